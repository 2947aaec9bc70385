// The skeleton in C: what ../README.md says.
//
// An export owns its arguments: it moves them into its answer, or frees them where a call is run often. What it answers is freed by
// the generated code.
#include "everything.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) cofferdam_storage_##name
#define LIFECYCLE(name) exports_cofferdam_storage_lifecycle_##name
#define ATOMIC(name) exports_cofferdam_storage_atomic_store_##name
#define STREAMING(name) exports_cofferdam_storage_streaming_store_##name
#define UPLOADS(name) exports_cofferdam_storage_uploads_##name
#define LISTING(name) exports_cofferdam_storage_upload_listing_##name
#define ERROR(kind) COFFERDAM_STORAGE_STORE_TYPES_ERROR_KIND_##kind

typedef everything_string_t string;
typedef everything_list_u8_t bytes;
typedef IMPORT(store_types_error_t) error;
typedef IMPORT(store_types_object_info_t) object_info;
typedef IMPORT(store_types_condition_t) condition;
typedef IMPORT(store_types_attributes_t) attributes;
typedef IMPORT(data_own_content_t) content;
typedef IMPORT(data_opened_t) opened;
typedef everything_tuple2_string_string_t pair;

enum { MIB = 1 << 20, PATH_ROOM = 1024 };

static bool fail(error *err, uint8_t kind, const char *message) {
  memset(err, 0, sizeof *err);
  err->kind = kind;
  everything_string_dup(&err->message, message);
  return false;
}

static bool unsupported(error *err) { return fail(err, ERROR(UNSUPPORTED), "a skeleton does not do this"); }

// A string for a host call, which only reads it.
static string literal(const char *text) {
  string borrowed;
  everything_string_set(&borrowed, text);
  return borrowed;
}

static bool equals(const string *text, const char *other) {
  return text->len == strlen(other) && memcmp(text->ptr, other, text->len) == 0;
}

static bool starts_with(const string *text, const char *prefix) {
  return text->len >= strlen(prefix) && memcmp(text->ptr, prefix, strlen(prefix)) == 0;
}

// `format` with what follows `skip` bytes of `text`, for a host call.
static string formatted(char room[PATH_ROOM], const char *format, const string *text, size_t skip) {
  snprintf(room, PATH_ROOM, format, (int)(text->len - skip), (const char *)text->ptr + skip);
  return literal(room);
}

static string in_data(char room[PATH_ROOM], const string *path) { return formatted(room, "/data%.*s", path, 0); }

// Moves `path` into the answer.
static bool object(object_info *info, string *path, uint64_t size) {
  memset(info, 0, sizeof *info);
  info->path = *path;
  info->size = size;
  info->modified.is_some = true;
  info->modified.val = IMPORT(system_now)();
  info->etag.is_some = true;
  everything_string_dup(&info->etag.val, "e");
  return true;
}

// An object that is all of `bytes`.
static bool opened_whole(opened *ret, string *path, content bytes, error *err) {
  uint64_t size;
  if (!IMPORT(data_method_content_size)(IMPORT(data_borrow_content)(bytes), &size)) {
    IMPORT(data_content_drop_own)(bytes);
    return fail(err, ERROR(UNSUPPORTED), "content of unknown size");
  }
  ret->content = bytes;
  return object(&ret->info, path, size);
}

static pair header = {{(uint8_t *)"x-skeleton", 10}, {(uint8_t *)"c", 1}};

static IMPORT(http_request_t) request(const char *method, string url) {
  IMPORT(http_request_t) request = {.method = literal(method), .url = url, .headers = {&header, 1}};
  return request;
}

static bool send(IMPORT(http_request_t) request, IMPORT(data_borrow_content_t) * body, content *ret, error *err) {
  IMPORT(http_response_t) response;
  if (!IMPORT(http_send)(&request, body, &response, err)) return false;
  IMPORT(http_headers_free)(&response.headers);
  *ret = response.content;
  if (response.status == 200) return true;
  IMPORT(data_content_drop_own)(response.content);
  return fail(err, ERROR(UNAVAILABLE), "the status is not 200");
}

void LIFECYCLE(describe)(LIFECYCLE(description_t) * ret) {
  everything_string_dup(&ret->name, "skeleton-c");
  everything_string_dup(&ret->version, "1.0.0");
  everything_string_dup(&ret->settings_schema, "{\"type\":\"object\",\"properties\":{\"greeting\":{\"type\":\"string\"}}}");
}

bool LIFECYCLE(configure)(attributes *settings, attributes *ret, error *err) {
  bool given = settings->len > 0;
  IMPORT(store_types_attributes_free)(settings);
  if (!given) return fail(err, ERROR(INVALID_ARGUMENT), "`greeting` is missing");
  ret->len = 1;
  ret->ptr = malloc(sizeof(pair));
  everything_string_dup(&ret->ptr->f0, "late-destination");
  everything_string_dup(&ret->ptr->f1, "true");
  return true;
}

static bool ping(IMPORT(connections_borrow_connection_t) connection, error *err) {
  bytes ping = {(uint8_t *)"ping", 4}, pong;
  if (!IMPORT(connections_method_connection_write)(connection, &ping, err)) return false;
  if (!IMPORT(connections_method_connection_read)(connection, 4, &pong, err)) return false;
  bool answered = pong.len == 4 && memcmp(pong.ptr, "pong", 4) == 0;
  everything_list_u8_free(&pong);
  if (!answered) return fail(err, ERROR(UNAVAILABLE), "the backend does not answer pings");
  return IMPORT(connections_method_connection_give_back)(connection, err);
}

bool LIFECYCLE(health)(error *err) {
  IMPORT(connections_own_connection_t) connection;
  string name = literal("backend");
  if (!IMPORT(connections_connect)(&name, &connection, err)) return false;
  bool well = ping(IMPORT(connections_borrow_connection)(connection), err);
  IMPORT(connections_connection_drop_own)(connection);
  return well;
}

bool ATOMIC(get)(string *key, ATOMIC(value_t) * ret, error *err) {
  ret->data.ptr = key->ptr;
  ret->data.len = key->len;
  everything_string_dup(&ret->etag, "e");
  return true;
}

bool ATOMIC(put)(string *k, bytes *d, condition *c, string *ret, error *err) { return unsupported(err); }
bool ATOMIC(remove)(string *k, condition *c, error *err) { return unsupported(err); }
bool ATOMIC(list)(string *p, string *s, uint32_t l, ATOMIC(keys_t) * ret, error *err) { return unsupported(err); }
bool ATOMIC(count)(string *p, uint64_t *ret, error *err) { return unsupported(err); }

// How many bytes each generator has left, by cursor; a cursor is used again once it was closed.
enum { GENERATORS = 64 };
static struct {
  bool open;
  uint64_t left;
} generators[GENERATORS];

static bool generate(uint64_t size, content *ret, error *err) {
  for (uint64_t cursor = 0; cursor < GENERATORS; cursor++) {
    if (generators[cursor].open) continue;
    generators[cursor].open = true;
    generators[cursor].left = size;
    *ret = IMPORT(data_from_generator)(cursor, &size);
    return true;
  }
  return fail(err, ERROR(RATE_LIMITED), "too many open generators");
}

bool exports_cofferdam_storage_generator_pull(uint64_t cursor, uint32_t max, bytes *ret, error *err) {
  uint64_t left = generators[cursor].left;
  ret->len = left < max ? left : max;
  ret->ptr = malloc(ret->len);
  memset(ret->ptr, 7, ret->len);
  generators[cursor].left -= ret->len;
  return true;
}

void exports_cofferdam_storage_generator_close(uint64_t cursor) { generators[cursor].open = false; }

bool STREAMING(stat)(string *path, object_info *ret, error *err) {
  char room[PATH_ROOM];
  string name = in_data(room, path);
  IMPORT(files_file_info_t) file;
  if (!IMPORT(files_stat)(&name, &file, err)) return false;
  uint64_t size = file.size;
  IMPORT(files_file_info_free)(&file);
  return object(ret, path, size);
}

static bool open_buffer(content *ret, error *err) {
  IMPORT(data_own_buffer_t) buffer = IMPORT(data_new_buffer)();
  IMPORT(data_borrow_buffer_t) borrowed = IMPORT(data_borrow_buffer)(buffer);
  bytes made = {(uint8_t *)"made ", 5}, pieces = {(uint8_t *)"in pieces", 9};
  bool done = IMPORT(data_method_buffer_append)(borrowed, &made, err) &&
              IMPORT(data_method_buffer_append)(borrowed, &pieces, err) &&
              IMPORT(data_method_buffer_finish)(borrowed, ret, err);
  IMPORT(data_buffer_drop_own)(buffer);
  return done;
}

static bool open_upstream(string *path, IMPORT(store_types_byte_range_t) * range, opened *ret, error *err) {
  string name = literal("below");
  IMPORT(upstream_own_store_t) store;
  if (!IMPORT(upstream_static_store_named)(&name, &store, err)) return false;
  bool done = IMPORT(upstream_method_store_open)(IMPORT(upstream_borrow_store)(store), path, range, ret, err);
  IMPORT(upstream_store_drop_own)(store);
  return done;
}

static bool open_file(string *path, IMPORT(store_types_byte_range_t) * range, opened *ret, error *err) {
  char room[PATH_ROOM];
  string name = in_data(room, path);
  IMPORT(files_opened_file_t) file;
  if (!IMPORT(files_open)(&name, range, &file, err)) return false;
  uint64_t size = file.info.size;
  IMPORT(files_file_info_free)(&file.info);
  ret->content = file.content;
  return object(&ret->info, path, size);
}

bool STREAMING(open)(string *path, IMPORT(store_types_byte_range_t) * range, opened *ret, error *err) {
  char room[PATH_ROOM];
  content whole;
  if (starts_with(path, "/up/")) return open_upstream(path, range, ret, err);
  if (equals(path, "/inline")) {
    bytes hello = {(uint8_t *)"hello", 5};
    whole = IMPORT(data_from_bytes)(&hello);
  } else if (equals(path, "/buffer")) {
    if (!open_buffer(&whole, err)) return false;
  } else if (starts_with(path, "/zero/")) {
    formatted(room, "%.*s", path, strlen("/zero/"));
    if (!generate(strtoull(room, NULL, 10), &whole, err)) return false;
  } else if (starts_with(path, "/http/")) {
    string url = formatted(room, "http://%.*s/", path, strlen("/http/"));
    if (!send(request("GET", url), NULL, &whole, err)) return false;
  } else {
    return open_file(path, range, ret, err);
  }
  return opened_whole(ret, path, whole, err);
}

static bool drain(IMPORT(data_borrow_content_t) body, uint64_t *size, error *err) {
  for (*size = 0;;) {
    bytes piece;
    if (!IMPORT(data_method_content_read)(body, *size, MIB, &piece, err)) return false;
    if (piece.len == 0) return true;
    *size += piece.len;
    everything_list_u8_free(&piece);
  }
}

static bool send_on(IMPORT(data_borrow_content_t) body, uint64_t *size, error *err) {
  content answer;
  if (!send(request("PUT", literal("http://origin/")), &body, &answer, err)) return false;
  IMPORT(data_content_drop_own)(answer);
  return IMPORT(data_method_content_size)(body, size) || fail(err, ERROR(UNSUPPORTED), "content of unknown size");
}

// Also answers the digest in hexadecimal, as an attribute.
static bool write_file(string *path, IMPORT(data_borrow_content_t) body, uint64_t *size, attributes *digest, error *err) {
  char room[PATH_ROOM];
  string name = in_data(room, path), algorithm = literal("sha256");
  bytes raw;
  if (!IMPORT(files_write)(&name, 0, body, COFFERDAM_STORAGE_FILES_WRITE_MODE_TRUNCATE, size, err)) return false;
  if (!IMPORT(data_method_content_digest)(body, &algorithm, &raw, err)) return false;
  for (size_t i = 0; i < raw.len; i++) sprintf(room + 2 * i, "%02x", raw.ptr[i]);
  everything_list_u8_free(&raw);
  digest->len = 1;
  digest->ptr = malloc(sizeof(pair));
  everything_string_dup(&digest->ptr->f0, "sha256");
  everything_string_dup(&digest->ptr->f1, room);
  return true;
}

bool STREAMING(put)(string *path, content body, condition *condition, object_info *ret, error *err) {
  IMPORT(data_borrow_content_t) borrowed = IMPORT(data_borrow_content)(body);
  attributes digest = {0};
  uint64_t size;
  bool done;
  if (condition->tag != COFFERDAM_STORAGE_STORE_TYPES_CONDITION_UNCONDITIONAL) done = unsupported(err);
  else if (equals(path, "/drain")) done = drain(borrowed, &size, err);
  else if (equals(path, "/send")) done = send_on(borrowed, &size, err);
  else done = write_file(path, borrowed, &size, &digest, err);
  IMPORT(data_content_drop_own)(body);
  IMPORT(store_types_condition_free)(condition);
  if (!done) return false;
  object(ret, path, size);
  ret->attributes = digest;
  return true;
}

bool STREAMING(list)(string *prefix, IMPORT(store_types_list_options_t) * options, STREAMING(page_t) * ret, error *err) {
  char room[PATH_ROOM];
  if (equals(prefix, "/")) prefix->len = 0;
  string name = in_data(room, prefix), after = options->start_after.val;
  bool started = options->start_after.is_some && after.len > prefix->len;
  if (started) after.ptr += prefix->len + 1, after.len -= prefix->len + 1;
  IMPORT(files_list_file_info_t) files;
  if (!IMPORT(files_entries)(&name, started ? &after : NULL, options->limit, &files, err)) return false;
  memset(ret, 0, sizeof *ret);
  ret->entries.len = files.len;
  ret->entries.ptr = calloc(files.len, sizeof(object_info));
  for (size_t i = 0; i < files.len; i++) {
    string child;
    int length = snprintf(room, PATH_ROOM, "%.*s/%.*s", (int)prefix->len, prefix->ptr, (int)files.ptr[i].name.len, files.ptr[i].name.ptr);
    everything_string_dup_n(&child, room, length);
    object(&ret->entries.ptr[i], &child, files.ptr[i].size);
    ret->entries.ptr[i].kind = files.ptr[i].kind == COFFERDAM_STORAGE_FILES_FILE_KIND_DIRECTORY;
  }
  IMPORT(files_list_file_info_free)(&files);
  IMPORT(store_types_list_options_free)(options);
  return true;
}

void STREAMING(remove)(STREAMING(list_store_path_t) * paths, STREAMING(list_result_void_error_t) * ret) {
  ret->len = paths->len;
  ret->ptr = calloc(paths->len, sizeof *ret->ptr);
  for (size_t i = 0; i < paths->len; i++) {
    char room[PATH_ROOM];
    string name = in_data(room, &paths->ptr[i]);
    ret->ptr[i].is_err = !IMPORT(files_remove)(&name, &ret->ptr[i].val.err);
  }
  STREAMING(list_store_path_free)(paths);
}

static bool refuse(content body, error *err) {
  IMPORT(data_content_drop_own)(body);
  return unsupported(err);
}

bool UPLOADS(create)(string *path, string *ret, error *err) { return unsupported(err); }
bool UPLOADS(write_part)(string *t, UPLOADS(part_t) * p, content body, string *ret, error *err) { return refuse(body, err); }
bool UPLOADS(complete)(string *t, UPLOADS(list_written_part_t) * p, string *d, condition *c, object_info *ret, error *err) {
  return unsupported(err);
}
bool UPLOADS(abort)(string *token, error *err) { return unsupported(err); }
bool LISTING(find)(string *c, uint32_t l, LISTING(tuple2_list_found_option_string_t) * ret, error *err) { return unsupported(err); }
bool LISTING(written)(string *token, LISTING(list_found_part_t) * ret, error *err) { return unsupported(err); }
bool exports_cofferdam_storage_copying_copy(string *s, string *d, condition *c, object_info *ret, error *err) { return unsupported(err); }
bool exports_cofferdam_storage_renaming_rename(string *s, string *d, condition *c, object_info *ret, error *err) { return unsupported(err); }
bool exports_cofferdam_storage_content_store_store(content body, string *a, string *ret, error *err) { return refuse(body, err); }

bool exports_cofferdam_storage_presigning_presign(string *path, uint8_t access, uint32_t seconds, string *ret, error *err) {
  char room[PATH_ROOM];
  IMPORT(http_request_t) get = request("GET", formatted(room, "http://origin%.*s", path, 0));
  everything_string_free(path);
  return IMPORT(signing_presign)(&get, seconds, ret, err);
}
