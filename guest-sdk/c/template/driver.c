// {{name}} keeps objects as files in one granted directory, and small values beside them.
//
// The host does the hard parts: `cd_files_replace` is atomic and durable, and `cd_files_lock` holds across instances and processes.
#include "cofferdam.h"

#define OBJECTS "/data/objects"
#define VALUES "/data/values"
#define MARK '+'  // ends the file of a value; no path can have it, so that `a` and `a/b` may both be keys

static cd_string object_file(cd_string path) { return cd_format(OBJECTS "%.*s", CD_ARG(path)); }
static cd_string value_file(cd_string key) { return cd_format(VALUES "/%.*s%c", CD_ARG(key), MARK); }

static bool configure(const cd_attributes *settings, cd_attributes *claims, cd_error *err) {
  (void)settings, (void)err;
  const char *names[] = {"shared", "put-if-absent", "put-if-match", "atomic-remove-if-match"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) cd_claim(claims, names[i], "true");
  return true;
}

static bool health(cd_error *err) {
  cd_file_info root;
  if (!cd_files_stat(cd_text("/data"), &root, err)) return false;
  cd_file_info_free(&root);
  return true;
}

// An error about a file as one about `name`: where a parent is a file, or a directory is, nothing is stored.
static bool fail(cd_error *err, cd_string name) {
  return cd_is(err, CD_NOT_FOUND) || cd_is(err, CD_INVALID_ARGUMENT) ? cd_not_found(err, name) : false;
}

static bool find(cd_string file, cd_string name, cd_file_info *info, cd_error *err) {
  if (!cd_files_stat(file, info, err)) return fail(err, name);
  if (info->kind == CD_FILE) return true;
  cd_file_info_free(info);
  return cd_not_found(err, name);
}

// Takes the lock of `file` and checks `condition`: nobody else writes the file until `lock` is dropped.
static bool lock_if(cd_string file, cd_string name, const cd_condition *condition, cd_guard *lock, bool *there, cd_error *err) {
  if (!cd_files_lock(file, lock, err)) return false;
  cd_file_info info = {0};
  *there = find(file, name, &info, err);
  bool done = *there || cd_is(err, CD_NOT_FOUND);
  if (done) done = cd_condition_check(condition, *there ? &info.stamp : NULL, name, err);
  if (*there) cd_file_info_free(&info);
  if (!done) cd_guard_drop(*lock);
  else cd_error_free(err);
  return done;
}

// Takes `file` over.
static bool replace(cd_string file, cd_string name, cd_content content, const cd_condition *condition, cd_file_info *info, cd_error *err) {
  cd_guard lock;
  bool there, done = lock_if(file, name, condition, &lock, &there, err);
  if (done) {
    done = cd_files_replace(file, content, false, info, err);
    cd_guard_drop(lock);
  }
  cd_string_free(&file);
  return done;
}

// Takes `file` over.
static bool remove_file(cd_string file, const char *top, cd_string name, const cd_condition *condition, cd_error *err) {
  cd_guard lock;
  bool there, done = lock_if(file, name, condition, &lock, &there, err);
  if (done) {
    done = !there || cd_files_remove(file, err);
    cd_guard_drop(lock);
    cd_files_prune(file, cd_text(top));
  }
  cd_string_free(&file);
  return done;
}

// ---- Objects: files at their paths ------------------------------------------------------------------------------------

static cd_object_info object(cd_string path, cd_file_info *info) {
  cd_object_info object = cd_object(path, info->size, info->modified, info->stamp);
  cd_file_info_free(info);
  return object;
}

static bool stat_object(cd_string path, cd_object_info *out, cd_error *err) {
  cd_file_info info;
  cd_string file = object_file(path);
  bool done = find(file, path, &info, err);
  if (done) *out = object(path, &info);
  cd_string_free(&file);
  return done;
}

static bool open_object(cd_string path, const cd_range *range, cd_opened *out, cd_error *err) {
  cd_file opened;
  cd_string file = object_file(path);
  bool done = cd_files_open(file, range, &opened, err) || fail(err, path);
  if (done) out->info = object(path, &opened.info), out->content = opened.content;
  cd_string_free(&file);
  return done;
}

static bool put_object(cd_string path, cd_content content, const cd_condition *condition, cd_object_info *out, cd_error *err) {
  cd_file_info info;
  if (!replace(object_file(path), path, content, condition, &info, err)) return false;
  *out = object(path, &info);
  return true;
}

typedef struct listing {
  cd_string prefix;
  uint32_t limit;
  cd_page *page;
} listing;

static bool add_entry(void *context, cd_string below, const cd_file_info *info) {
  listing *list = context;
  if (!cd_is_component(info->name)) return true;  // another tool's file
  cd_string path = cd_format("%.*s/%.*s", CD_ARG(list->prefix), CD_ARG(below));
  cd_object_info entry = info->kind == CD_DIRECTORY ? cd_prefix(path) : cd_object(path, info->size, info->modified, info->stamp);
  cd_string_free(&path);
  return cd_page_add(list->page, list->limit, entry);
}

static bool list_objects(cd_string prefix, const cd_list_options *options, cd_page *out, cd_error *err) {
  bool none, exists, root = prefix.len == 1;
  cd_string after;
  if (!cd_list_after(prefix, options, &after, &none, err)) return false;
  if (none) return true;
  uint32_t limit = options->limit < CD_ENTRIES_MAX ? options->limit : CD_ENTRIES_MAX - 1;
  listing list = {root ? cd_text("") : prefix, limit, out};
  cd_string directory = object_file(list.prefix);
  bool done = cd_files_walk(directory, after, options->recursive, limit + 1, add_entry, &list, &exists, err);
  cd_string_free(&directory);
  if (done && !exists && !root && !options->cursor.is_some && !options->start_after.is_some) return cd_not_found(err, prefix);
  return done;
}

static bool remove_object(cd_string path, cd_error *err) {
  cd_condition always = {.tag = COFFERDAM_STORAGE_STORE_TYPES_CONDITION_UNCONDITIONAL};
  return remove_file(object_file(path), OBJECTS, path, &always, err);
}

// ---- Values: files at their keys, marked ------------------------------------------------------------------------------

static bool get_value(cd_string key, cd_value *out, cd_error *err) {
  cd_file_info info;
  cd_string file = value_file(key);
  bool done = cd_files_read(file, CD_VALUE_MAX, &out->data, &info, err) || fail(err, key);
  cd_string_free(&file);
  if (!done) return false;
  out->etag = cd_copy(info.stamp);
  cd_file_info_free(&info);
  return true;
}

static bool put_value(cd_string key, const cd_bytes *data, const cd_condition *condition, cd_string *etag, cd_error *err) {
  cd_file_info info;
  cd_content content = cd_content_from(data->ptr, data->len);
  bool done = replace(value_file(key), key, content, condition, &info, err);
  cd_content_drop(content);
  if (!done) return false;
  *etag = cd_copy(info.stamp);
  cd_file_info_free(&info);
  return true;
}

static bool remove_value(cd_string key, const cd_condition *condition, cd_error *err) {
  return remove_file(value_file(key), VALUES, key, condition, err);
}

typedef struct search {
  cd_string prefix, after;
  uint64_t limit, count;
  cd_keys *keys;  // NULL: they are only counted
} search;

static bool add_key(void *context, cd_string below, const cd_file_info *info) {
  search *find = context;
  (void)info;
  if (below.len == 0 || below.ptr[below.len - 1] != MARK) return true;
  cd_string key = cd_slice(below, 0, below.len - 1);
  if (!cd_starts(key, find->prefix) || (find->after.len && cd_compare(key, find->after) <= 0)) return true;
  if (find->count++ < find->limit) {
    if (find->keys) find->keys->keys.ptr[find->keys->keys.len++] = cd_copy(key);
    return true;
  }
  find->keys->more = true;
  return false;
}

static bool list_values(cd_string prefix, cd_string after, uint32_t limit, cd_keys *out, cd_error *err) {
  bool exists;
  uint32_t most = limit < CD_ENTRIES_MAX ? limit : CD_ENTRIES_MAX - 1;
  search find = {prefix, after, most, 0, out};
  out->keys.ptr = cd_alloc(most * sizeof *out->keys.ptr);
  // A marked file comes before what is below a directory of the same name, as its key does.
  cd_string begin = after.len ? cd_format("%.*s%c", CD_ARG(after), MARK) : cd_copy(after);
  bool done = cd_files_walk(cd_text(VALUES), begin, true, most + 1, add_key, &find, &exists, err);
  cd_string_free(&begin);
  return done;
}

static bool count_values(cd_string prefix, uint64_t *out, cd_error *err) {
  bool exists;
  search find = {prefix, cd_text(""), UINT64_MAX, 0, NULL};
  if (!cd_files_walk(cd_text(VALUES), cd_text(""), true, CD_ENTRIES_MAX, add_key, &find, &exists, err)) return false;
  *out = find.count;
  return true;
}

const cd_driver cofferdam_driver = {
    .name = "{{name}}",
    .version = "0.1.0",
    .configure = configure,
    .health = health,
    .streaming = {.stat = stat_object, .open = open_object, .put = put_object, .list = list_objects, .remove = remove_object},
    .atomic = {.get = get_value, .put = put_value, .remove = remove_value, .list = list_values, .count = count_values},
};
