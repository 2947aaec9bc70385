// embedded-log keeps objects and values in one append-only file: the stores, over log.h.
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>

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

static cd_string object_name(cd_string path) { return cd_format("o%.*s", CD_ARG(path)); }
static cd_string value_name(cd_string key) { return cd_format("v%.*s", CD_ARG(key)); }
static cd_string etag_of(const log_entry *entry) { return cd_format("%" PRIu64, entry->sequence); }

static cd_object_info object(const log_entry *entry) {
  cd_string etag = etag_of(entry);
  cd_object_info info = cd_object(cd_slice(entry->name, 1, entry->name.len), entry->size, entry->modified, etag);
  cd_string_free(&etag);
  return info;
}

static bool check(const log_entry *entry, const cd_condition *condition, cd_string name, cd_error *err) {
  cd_string etag = entry ? etag_of(entry) : cd_text("");
  bool done = cd_condition_check(condition, entry ? &etag : NULL, name, err);
  if (entry) cd_string_free(&etag);
  return done;
}

// Opens the bytes of `name`. A compaction between the look into the index and the opening would make the offset a wrong one:
// then it is done again.
static bool open_name(cd_string name, const cd_range *range, const log_entry **entry, cd_content *out, cd_error *err) {
  for (;;) {
    if (!log_refresh(err)) return false;
    *entry = log_find(name);
    if (!*entry) return cd_not_found(err, cd_slice(name, 1, name.len));
    if (!log_open(*entry, range, out, err)) return false;
    bool unchanged;
    bool done = log_unchanged(&unchanged, err);
    if (done && unchanged) return true;
    cd_content_drop(*out);
    if (!done) return false;
  }
}

// Takes `name` over.
static bool put_name(cd_string name, cd_content content, const cd_condition *condition, cd_object_info *out, cd_error *err) {
  cd_guard lock;
  bool done = log_begin(&lock, err);
  if (done) {
    done = check(log_find(name), condition, cd_slice(name, 1, name.len), err) && log_put(name, content, err);
    if (done) *out = object(log_find(name));
    log_end(lock);
  }
  cd_string_free(&name);
  return done;
}

// ---- Objects ------------------------------------------------------------------------------------------------------------

static bool stat_object(cd_string path, cd_object_info *out, cd_error *err) {
  if (!log_refresh(err)) return false;
  cd_string name = object_name(path);
  const log_entry *entry = log_find(name);
  cd_string_free(&name);
  if (!entry) return cd_not_found(err, path);
  *out = object(entry);
  return true;
}

static bool open_object(cd_string path, const cd_range *range, cd_opened *out, cd_error *err) {
  const log_entry *entry;
  cd_string name = object_name(path);
  bool done = open_name(name, range, &entry, &out->content, err);
  if (done) out->info = object(entry);
  cd_string_free(&name);
  return done;
}

static bool put_object(cd_string path, cd_content content, const cd_condition *condition, cd_object_info *out, cd_error *err) {
  return put_name(object_name(path), content, condition, out, err);
}

static bool remove_objects(const cd_string *paths, size_t number, cd_error *err) {
  cd_guard lock;
  if (!log_begin(&lock, err)) return false;
  cd_string *names = cd_alloc(number * sizeof *names);
  for (size_t i = 0; i < number; i++) names[i] = object_name(paths[i]);
  bool done = log_remove(names, number, err);
  for (size_t i = 0; i < number; i++) cd_string_free(&names[i]);
  free(names);
  log_end(lock);
  return done;
}

// Where the direct child that `entry` is in ends: at a `/`, or with the name.
static size_t child_end(const log_entry *entry, size_t base) {
  size_t end = base;
  while (end < entry->name.len && entry->name.ptr[end] != '/') end++;
  return end;
}

static bool list_objects(cd_string prefix, const cd_list_options *options, cd_page *out, cd_error *err) {
  bool none;
  cd_string after;
  if (!cd_list_after(prefix, options, &after, &none, err) || !log_refresh(err)) return false;
  if (none) return true;
  cd_string base = cd_format("o%.*s%s", CD_ARG(prefix), prefix.len == 1 ? "" : "/");
  size_t first = log_lower_bound(base);
  bool exists = prefix.len == 1 || (first < log_count() && cd_starts(log_at(first)->name, base));
  cd_string begin = cd_format("%.*s%.*s", CD_ARG(base), CD_ARG(after));
  for (size_t i = log_lower_bound(begin); i < log_count() && cd_starts(log_at(i)->name, base);) {
    const log_entry *entry = log_at(i);
    size_t end = options->recursive ? entry->name.len : child_end(entry, base.len);
    if (end == entry->name.len) {
      i++;
      if (after.len && cd_compare(entry->name, begin) <= 0) continue;
      if (!cd_page_add(out, options->limit, object(entry))) break;
      continue;
    }
    cd_string sort_key = cd_slice(entry->name, 0, end + 1);
    bool fresh = !after.len || cd_compare(sort_key, begin) > 0;
    if (fresh && !cd_page_add(out, options->limit, cd_prefix(cd_slice(sort_key, 1, end)))) break;
    cd_string behind = cd_format("%.*s0", (int)end, (const char *)entry->name.ptr);  // `0` follows `/`: everything below is left out
    i = log_lower_bound(behind);
    cd_string_free(&behind);
  }
  cd_string_free(&begin);
  cd_string_free(&base);
  if (!exists && !options->cursor.is_some && !options->start_after.is_some) return cd_not_found(err, prefix);
  return true;
}

// ---- Values -------------------------------------------------------------------------------------------------------------

static bool get_value(cd_string key, cd_value *out, cd_error *err) {
  const log_entry *entry;
  cd_content content;
  cd_range whole = {.tag = COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_WHOLE};
  cd_string name = value_name(key);
  bool done = open_name(name, &whole, &entry, &content, err);
  cd_string_free(&name);
  if (!done) return false;
  uint64_t size = entry->size;
  uint8_t *bytes = size ? cd_alloc((size_t)size) : NULL;
  size_t length = 0;
  while (done && length < size) {
    cd_bytes piece;
    done = cd_content_read(content, length, (uint32_t)(size - length), &piece, err);
    if (!done) break;
    if (piece.len == 0) done = cd_fail(err, CD_CORRUPTED, "the value of %.*s ends early", CD_ARG(key));
    for (size_t i = 0; i < piece.len; i++) bytes[length + i] = piece.ptr[i];
    length += piece.len;
    cd_bytes_free(&piece);
  }
  cd_content_drop(content);
  if (!done) {
    free(bytes);
    return false;
  }
  out->data.ptr = bytes, out->data.len = length;
  out->etag = etag_of(entry);
  return true;
}

static bool put_value(cd_string key, const cd_bytes *data, const cd_condition *condition, cd_string *etag, cd_error *err) {
  cd_object_info info;
  cd_content content = cd_content_from(data->ptr, data->len);
  bool done = put_name(value_name(key), content, condition, &info, err);
  cd_content_drop(content);
  if (!done) return false;
  *etag = cd_copy(info.etag.val);
  cd_object_info_free(&info);
  return true;
}

static bool remove_value(cd_string key, const cd_condition *condition, cd_error *err) {
  cd_guard lock;
  if (!log_begin(&lock, err)) return false;
  cd_string name = value_name(key);
  bool done = check(log_find(name), condition, key, err) && log_remove(&name, 1, err);
  cd_string_free(&name);
  log_end(lock);
  return done;
}

static bool list_values(cd_string prefix, cd_string after, uint32_t limit, cd_keys *out, cd_error *err) {
  if (!log_refresh(err)) return false;
  cd_string start = value_name(prefix), begin = value_name(after);
  size_t first = log_lower_bound(cd_compare(begin, start) > 0 ? begin : start), end = first;
  if (after.len && first < log_count() && cd_equal(log_at(first)->name, begin)) end = ++first;
  while (end < log_count() && end - first < limit && cd_starts(log_at(end)->name, start)) end++;
  out->keys.ptr = end > first ? cd_alloc((end - first) * sizeof *out->keys.ptr) : NULL;
  for (size_t i = first; i < end; i++) out->keys.ptr[out->keys.len++] = cd_copy(cd_slice(log_at(i)->name, 1, log_at(i)->name.len));
  out->more = end < log_count() && cd_starts(log_at(end)->name, start);
  cd_string_free(&start);
  cd_string_free(&begin);
  return true;
}

static bool count_values(cd_string prefix, uint64_t *out, cd_error *err) {
  if (!log_refresh(err)) return false;
  cd_string start = value_name(prefix);
  size_t i = log_lower_bound(start);
  for (; i < log_count() && cd_starts(log_at(i)->name, start); i++) ++*out;
  cd_string_free(&start);
  return true;
}

const cd_driver cofferdam_driver = {
    .name = "embedded-log",
    .version = "0.1.0",
    .configure = configure,
    .health = health,
    .streaming = {.stat = stat_object, .open = open_object, .put = put_object, .list = list_objects, .remove_all = remove_objects},
    .atomic = {.get = get_value, .put = put_value, .remove = remove_value, .list = list_values, .count = count_values},
};
