// The helpers of cofferdam.h: strings, errors, lists, and the host's imports under short names.
#include "cofferdam.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) cofferdam_storage_##name

// ---- Memory and strings ---------------------------------------------------------------------------------------------

void *cd_alloc(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (!memory) cd_abort("out of memory");
  return memory;
}

void *cd_realloc(void *memory, size_t size) {
  memory = realloc(memory, size ? size : 1);
  if (!memory) cd_abort("out of memory");
  return memory;
}

cd_string cd_text(const char *text) {
  cd_string borrowed = {(uint8_t *)text, strlen(text)};
  return borrowed;
}

cd_string cd_slice(cd_string text, size_t begin, size_t end) {
  cd_assert(begin <= end && end <= text.len);
  cd_string part = {text.ptr + begin, end - begin};
  return part;
}

cd_string cd_copy(cd_string text) {
  cd_string copy = {NULL, text.len};  // empty strings own nothing: the generated code does not free them
  if (text.len) copy.ptr = memcpy(cd_alloc(text.len), text.ptr, text.len);
  return copy;
}

static cd_string format_list(const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  cd_assert(length >= 0);
  cd_string text = {NULL, (size_t)length};
  if (length == 0) return text;
  text.ptr = cd_alloc(text.len + 1);
  vsnprintf((char *)text.ptr, text.len + 1, format, arguments);
  return text;
}

cd_string cd_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cd_string text = format_list(format, arguments);
  va_end(arguments);
  return text;
}

void cd_string_free(cd_string *text) { everything_string_free(text); }
void cd_bytes_free(cd_bytes *bytes) {
  everything_list_u8_free(bytes);
  memset(bytes, 0, sizeof *bytes);
}

int cd_compare(cd_string a, cd_string b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool cd_equal(cd_string a, cd_string b) { return a.len == b.len && cd_compare(a, b) == 0; }
bool cd_starts(cd_string text, cd_string prefix) { return text.len >= prefix.len && cd_equal(cd_slice(text, 0, prefix.len), prefix); }

// ---- Errors, the log, assertions ------------------------------------------------------------------------------------

void cd_error_free(cd_error *err) {
  IMPORT(store_types_error_free)(err);
  memset(err, 0, sizeof *err);
}

bool cd_fail(cd_error *err, cd_kind kind, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cd_string message = format_list(format, arguments);  // before `err` is freed, which may be what is formatted
  va_end(arguments);
  cd_error_free(err);
  err->kind = (uint8_t)kind;
  err->message = message;
  return false;
}

bool cd_not_found(cd_error *err, cd_string what) { return cd_fail(err, CD_NOT_FOUND, "nothing is stored at %.*s", CD_ARG(what)); }

void cd_log(cd_level level, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cd_string message = format_list(format, arguments);
  va_end(arguments);
  IMPORT(system_log)((uint8_t)level, &message);
  cd_string_free(&message);
}

void cd_abort_at(const char *file, int line, const char *function, const char *message) {
  char text[512];  // on the stack: there may be no memory
  snprintf(text, sizeof text, "%s:%d: %s: %s", file, line, function, message);
  cd_string said = cd_text(text);
  IMPORT(system_log)(CD_ERROR, &said);
  __builtin_trap();
}

// What `assert` of <assert.h> calls: the build says -D__assert_fail=cd_assert_fail, since the C library's own writes to a standard
// error that nobody has.
__attribute__((noreturn)) void cd_assert_fail(const char *expression, const char *file, int line, const char *function);
void cd_assert_fail(const char *expression, const char *file, int line, const char *function) {
  char text[256];
  snprintf(text, sizeof text, "assertion failed: %s", expression);
  cd_abort_at(file, line, function, text);
}

// ---- Paths, pages, conditions, settings, claims ---------------------------------------------------------------------

bool cd_is_component(cd_string name) {
  if (name.len == 0 || name.len > CD_COMPONENT_MAX || cd_equal(name, cd_text(".")) || cd_equal(name, cd_text(".."))) return false;
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

// Whether `path` from `begin` on is components with `/` between them.
static bool are_components(cd_string path, size_t begin) {
  for (size_t end = begin; end <= path.len; end++) {
    if (end < path.len && path.ptr[end] != '/') continue;
    if (!cd_is_component(cd_slice(path, begin, end))) return false;
    begin = end + 1;
  }
  return true;
}

bool cd_is_key(cd_string key) { return key.len && key.len < CD_PATH_MAX && are_components(key, 0); }
bool cd_is_path(cd_string path) { return path.len > 1 && path.len <= CD_PATH_MAX && path.ptr[0] == '/' && are_components(path, 1); }

cd_string cd_setting(const cd_attributes *settings, const char *name) {
  for (size_t i = 0; i < settings->len; i++)
    if (cd_equal(settings->ptr[i].f0, cd_text(name))) return settings->ptr[i].f1;
  return cd_text("");
}

void cd_claim(cd_attributes *claims, const char *name, const char *value) {
  claims->ptr = cd_realloc(claims->ptr, (claims->len + 1) * sizeof *claims->ptr);
  claims->ptr[claims->len].f0 = cd_copy(cd_text(name));
  claims->ptr[claims->len++].f1 = cd_copy(cd_text(value));
}

bool cd_condition_check(const cd_condition *condition, const cd_string *etag, cd_string what, cd_error *err) {
  switch (condition->tag) {
    case COFFERDAM_STORAGE_STORE_TYPES_CONDITION_IF_ABSENT:
      return !etag || cd_fail(err, CD_ALREADY_EXISTS, "something is stored at %.*s", CD_ARG(what));
    case COFFERDAM_STORAGE_STORE_TYPES_CONDITION_IF_MATCH:
      return (etag && cd_equal(*etag, condition->val.if_match)) ||
             cd_fail(err, CD_PRECONDITION_FAILED, "%.*s does not have that etag", CD_ARG(what));
    default: return true;
  }
}

cd_object_info cd_object(cd_string path, uint64_t size, uint64_t modified, cd_string etag) {
  cd_object_info info = cd_prefix(path);
  info.kind = COFFERDAM_STORAGE_STORE_TYPES_ENTRY_KIND_OBJECT;
  info.size = size;
  info.modified.is_some = true;
  info.modified.val = modified;
  info.etag.is_some = true;
  info.etag.val = cd_copy(etag);
  return info;
}

cd_object_info cd_prefix(cd_string path) {
  cd_object_info info;
  memset(&info, 0, sizeof info);
  info.path = cd_copy(path);
  info.kind = COFFERDAM_STORAGE_STORE_TYPES_ENTRY_KIND_PREFIX;
  return info;
}

void cd_object_info_free(cd_object_info *info) { IMPORT(store_types_object_info_free)(info); }

bool cd_page_add(cd_page *page, uint32_t limit, cd_object_info entry) {
  size_t count = page->entries.len;
  if (count >= limit) {
    cd_object_info_free(&entry);
    cd_object_info *last = &page->entries.ptr[count - 1];
    page->next.is_some = true;
    page->next.val = cd_format("%.*s%s", CD_ARG(last->path), last->kind == COFFERDAM_STORAGE_STORE_TYPES_ENTRY_KIND_PREFIX ? "/" : "");
    return false;
  }
  if ((count & (count - 1)) == 0)  // full at each power of two
    page->entries.ptr = cd_realloc(page->entries.ptr, (count ? 2 * count : 1) * sizeof entry);
  page->entries.ptr[page->entries.len++] = entry;
  return true;
}

bool cd_list_after(cd_string prefix, const cd_list_options *options, cd_string *after, bool *none, cd_error *err) {
  *none = false;
  *after = cd_text("");
  if (!options->cursor.is_some && !options->start_after.is_some) return true;
  cd_string start = options->cursor.is_some ? options->cursor.val : options->start_after.val;
  size_t base = prefix.len == 1 ? 1 : prefix.len + 1;  // of the prefix with a `/` at its end
  if (start.len >= base && start.ptr[base - 1] == '/' && cd_starts(start, prefix)) {
    *after = cd_slice(start, base, start.len);
    return true;
  }
  if (options->cursor.is_some) return cd_fail(err, CD_INVALID_ARGUMENT, "no page of this list had that cursor");
  cd_string whole = cd_format("%.*s%s", CD_ARG(prefix), prefix.len == 1 ? "" : "/");
  *none = cd_compare(start, whole) > 0;
  cd_string_free(&whole);
  return true;
}

// ---- The host -------------------------------------------------------------------------------------------------------

bool cd_content_size(cd_content content, uint64_t *size) { return IMPORT(data_method_content_size)(IMPORT(data_borrow_content)(content), size); }

bool cd_content_read(cd_content content, uint64_t offset, uint32_t max, cd_bytes *out, cd_error *err) {
  return IMPORT(data_method_content_read)(IMPORT(data_borrow_content)(content), offset, max, out, err);
}

bool cd_content_digest(cd_content content, const char *algorithm, cd_bytes *out, cd_error *err) {
  cd_string name = cd_text(algorithm);
  return IMPORT(data_method_content_digest)(IMPORT(data_borrow_content)(content), &name, out, err);
}

cd_content cd_content_from(const void *bytes, size_t length) {
  cd_bytes borrowed = {(uint8_t *)bytes, length};
  return IMPORT(data_from_bytes)(&borrowed);
}

void cd_content_drop(cd_content content) { IMPORT(data_content_drop_own)(content); }
uint64_t cd_now(void) { return IMPORT(system_now)(); }

bool cd_files_open(cd_string path, const cd_range *range, cd_file *out, cd_error *err) {
  cd_range copy = *range;
  return IMPORT(files_open)(&path, &copy, out, err);
}

bool cd_files_stat(cd_string path, cd_file_info *out, cd_error *err) { return IMPORT(files_stat)(&path, out, err); }

bool cd_files_replace(cd_string path, cd_content content, bool no_replace, cd_file_info *out, cd_error *err) {
  return IMPORT(files_replace)(&path, IMPORT(data_borrow_content)(content), no_replace ? COFFERDAM_STORAGE_FILES_COMMIT_MODE_NO_REPLACE : 0, out, err);
}

bool cd_files_write(cd_string path, uint64_t offset, cd_content content, bool truncate, uint64_t *written, cd_error *err) {
  return IMPORT(files_write)(&path, offset, IMPORT(data_borrow_content)(content), truncate ? COFFERDAM_STORAGE_FILES_WRITE_MODE_TRUNCATE : 0, written, err);
}

bool cd_files_set_size(cd_string path, uint64_t size, cd_error *err) { return IMPORT(files_set_size)(&path, size, err); }
bool cd_files_sync(cd_string path, cd_error *err) { return IMPORT(files_sync)(&path, err); }

bool cd_files_commit(cd_string source, cd_string destination, cd_error *err) {
  cd_file_info info;
  if (!IMPORT(files_commit)(&source, &destination, 0, &info, err)) return false;
  cd_file_info_free(&info);
  return true;
}

bool cd_files_remove(cd_string path, cd_error *err) { return IMPORT(files_remove)(&path, err); }
bool cd_files_lock(cd_string name, cd_guard *out, cd_error *err) { return IMPORT(files_lock)(&name, out, err); }
void cd_guard_drop(cd_guard guard) { IMPORT(files_guard_drop_own)(guard); }
void cd_file_info_free(cd_file_info *info) { IMPORT(files_file_info_free)(info); }

bool cd_files_read(cd_string path, uint32_t max, cd_bytes *out, cd_file_info *info, cd_error *err) {
  cd_range whole = {.tag = COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_WHOLE};
  cd_file file;
  if (!cd_files_open(path, &whole, &file, err)) return false;
  uint64_t size = file.info.size;
  bool done = size <= max || cd_fail(err, CD_CORRUPTED, "%.*s is larger than %u bytes", CD_ARG(path), (unsigned)max);
  memset(out, 0, sizeof *out);
  if (done && size) out->ptr = cd_alloc(size);
  while (done && out->len < size) {
    cd_bytes piece;
    done = cd_content_read(file.content, out->len, (uint32_t)(size - out->len), &piece, err);
    if (!done) break;
    if (piece.len == 0) done = cd_fail(err, CD_UNAVAILABLE, "%.*s ended early", CD_ARG(path));
    if (piece.len) memcpy(out->ptr + out->len, piece.ptr, piece.len);
    out->len += piece.len;
    cd_bytes_free(&piece);
  }
  cd_content_drop(file.content);
  if (done) {
    *info = file.info;
    return true;
  }
  free(out->ptr);
  memset(out, 0, sizeof *out);
  cd_file_info_free(&file.info);
  return false;
}

static size_t parent_end(cd_string path) {
  size_t end = path.len;
  while (end > 0 && path.ptr[end - 1] != '/') end--;
  return end ? end - 1 : 0;
}

static bool remove_empty(cd_string directory) {
  cd_error err = {0};
  cd_guard writer;  // whoever makes a file in its place holds this lock, so that it is not the file which is removed
  if (!cd_files_lock(directory, &writer, &err)) return cd_error_free(&err), false;
  cd_file_info info;
  bool done = cd_files_stat(directory, &info, &err);
  if (done) {
    done = info.kind == CD_DIRECTORY && cd_files_remove(directory, &err);
    cd_file_info_free(&info);
  }
  cd_guard_drop(writer);
  cd_error_free(&err);
  return done;
}

void cd_files_prune(cd_string file, cd_string top) {
  for (size_t end = parent_end(file); end > top.len; end = parent_end(cd_slice(file, 0, end)))
    if (!remove_empty(cd_slice(file, 0, end))) return;
}

typedef struct walk {
  cd_visit visit;
  void *context;
  uint32_t chunk;
  bool deep, stopped;
} walk;

static bool walk_directory(walk *w, cd_string directory, cd_string base, cd_string after, bool *exists, cd_error *err);

static bool walk_child(walk *w, cd_string directory, cd_string base, cd_string name, cd_string after, cd_error *err) {
  bool exists;
  cd_string child = cd_format("%.*s/%.*s", CD_ARG(directory), CD_ARG(name)), below = cd_format("%.*s%.*s/", CD_ARG(base), CD_ARG(name));
  bool done = walk_directory(w, child, below, after, &exists, err);
  cd_string_free(&child);
  cd_string_free(&below);
  return done;
}

static bool walk_entry(walk *w, cd_string directory, cd_string base, const cd_file_info *entry, cd_error *err) {
  if (entry->kind == CD_OTHER) return true;
  if (entry->kind == CD_DIRECTORY && w->deep) return walk_child(w, directory, base, entry->name, cd_text(""), err);
  cd_string below = cd_format("%.*s%.*s", CD_ARG(base), CD_ARG(entry->name));
  w->stopped = !w->visit(w->context, below, entry);
  cd_string_free(&below);
  return true;
}

static bool walk_directory(walk *w, cd_string directory, cd_string base, cd_string after, bool *exists, cd_error *err) {
  *exists = true;
  const uint8_t *slash = after.len ? memchr(after.ptr, '/', after.len) : NULL;
  size_t first = slash ? (size_t)(slash - after.ptr) : after.len;
  if (slash && w->deep && first) {
    if (!walk_child(w, directory, base, cd_slice(after, 0, first), cd_slice(after, first + 1, after.len), err)) return false;
  }
  cd_string begin = cd_copy(cd_slice(after, 0, slash ? first + 1 : first));
  bool done = true;
  for (bool more = true; done && more && !w->stopped;) {
    cd_file_list entries;
    done = IMPORT(files_entries)(&directory, begin.len ? &begin : NULL, w->chunk, &entries, err);
    if (!done) break;
    for (size_t i = 0; i < entries.len && done && !w->stopped; i++) done = walk_entry(w, directory, base, &entries.ptr[i], err);
    more = entries.len && entries.len >= w->chunk;
    if (more) {
      cd_file_info *last = &entries.ptr[entries.len - 1];
      cd_string_free(&begin);
      begin = cd_format("%.*s%s", CD_ARG(last->name), last->kind == CD_DIRECTORY ? "/" : "");
    }
    IMPORT(files_list_file_info_free)(&entries);
  }
  cd_string_free(&begin);
  if (!done && (cd_is(err, CD_NOT_FOUND) || cd_is(err, CD_INVALID_ARGUMENT))) {  // none there, perhaps not any more, or a file
    cd_error_free(err);
    *exists = false;
    return true;
  }
  return done;
}

bool cd_files_walk(cd_string directory, cd_string after, bool deep, uint32_t chunk, cd_visit visit, void *context, bool *exists,
                   cd_error *err) {
  walk w = {visit, context, chunk > CD_ENTRIES_MAX ? CD_ENTRIES_MAX : chunk, deep, false};
  return walk_directory(&w, directory, cd_text(""), after, exists, err);
}
