// Maps the driver's struct of functions to the exports of the generated bindings.
//
// Each one zeroes what it answers, checks its arguments, calls the driver, frees the arguments and checks the answer.
#include "cofferdam.h"

#include <stdlib.h>
#include <string.h>

#define IMPORT(name) cofferdam_storage_##name
#define EXPORT(name) exports_cofferdam_storage_##name

static bool claimed_if_absent, claimed_if_match, claimed_remove_if_match, claimed_complete_if_absent;

// A failure that says nothing, or says it with a kind that does not exist, is a fault of the driver: it is told as one.
static bool finish(bool done, cd_error *err, const char *function) {
  if (done) return true;
  if (err->kind > CD_INTERNAL) return cd_fail(err, CD_INTERNAL, "%s failed with the kind %d, which is none", function, err->kind);
  if (err->message.len == 0) return cd_fail(err, CD_INTERNAL, "%s failed and did not say why", function);
  return false;
}

static bool missing(cd_error *err, const char *function) { return cd_fail(err, CD_UNSUPPORTED, "the driver does not implement %s", function); }

static bool finish_info(bool done, cd_object_info *info, cd_error *err, const char *function) {
  if (!done || info->path.len) return finish(done, err, function);
  cd_object_info_free(info);
  return cd_fail(err, CD_INTERNAL, "%s succeeded without an answer", function);
}

static bool finish_string(bool done, cd_string *text, cd_error *err, const char *function) {
  if (!done || text->len) return finish(done, err, function);
  return cd_fail(err, CD_INTERNAL, "%s succeeded without an answer", function);
}

static bool check_path(cd_string path, cd_error *err) {
  return cd_is_path(path) || cd_fail(err, CD_INVALID_PATH, "not the path of an object: %.*s", CD_ARG(path));
}

static bool check_key(cd_string key, cd_error *err) {
  return cd_is_key(key) || cd_fail(err, CD_INVALID_PATH, "not a key: %.*s", CD_ARG(key));
}

static bool check_claimed(const cd_condition *condition, bool if_absent, bool if_match, cd_error *err) {
  bool refused = (condition->tag == COFFERDAM_STORAGE_STORE_TYPES_CONDITION_IF_ABSENT && !if_absent) ||
                 (condition->tag == COFFERDAM_STORAGE_STORE_TYPES_CONDITION_IF_MATCH && !if_match);
  return !refused || cd_fail(err, CD_UNSUPPORTED, "the driver does not claim this condition");
}

#define BEGIN(ret) (memset(ret, 0, sizeof *(ret)), memset(err, 0, sizeof *err))

void EXPORT(lifecycle_describe)(EXPORT(lifecycle_description_t) * ret) {
  const char *schema = cofferdam_driver.settings_schema;
  ret->name = cd_copy(cd_text(cofferdam_driver.name));
  ret->version = cd_copy(cd_text(cofferdam_driver.version));
  ret->settings_schema = cd_copy(cd_text(schema ? schema : "{\"type\":\"object\",\"properties\":{}}"));
}

static bool is_claimed(const cd_attributes *claims, const char *name) { return cd_equal(cd_setting(claims, name), cd_text("true")); }

bool EXPORT(lifecycle_configure)(cd_attributes *settings, cd_attributes *ret, cd_error *err) {
  BEGIN(ret);
  bool done = !cofferdam_driver.configure || cofferdam_driver.configure(settings, ret, err);
  IMPORT(store_types_attributes_free)(settings);
  claimed_if_absent = is_claimed(ret, "put-if-absent");
  claimed_if_match = is_claimed(ret, "put-if-match");
  claimed_remove_if_match = is_claimed(ret, "atomic-remove-if-match");
  claimed_complete_if_absent = is_claimed(ret, "complete-if-absent");
  return finish(done, err, "lifecycle.configure");
}

bool EXPORT(lifecycle_health)(cd_error *err) {
  memset(err, 0, sizeof *err);
  return finish(!cofferdam_driver.health || cofferdam_driver.health(err), err, "lifecycle.health");
}

bool EXPORT(streaming_store_stat)(cd_string *path, cd_object_info *ret, cd_error *err) {
  const char *name = "streaming-store.stat";
  BEGIN(ret);
  bool (*stat)(cd_string, cd_object_info *, cd_error *) = cofferdam_driver.streaming.stat;
  bool done = check_path(*path, err) && (stat ? stat(*path, ret, err) : missing(err, name));
  cd_string_free(path);
  return finish_info(done, ret, err, name);
}

bool EXPORT(streaming_store_open)(cd_string *path, cd_range *range, cd_opened *ret, cd_error *err) {
  const char *name = "streaming-store.open";
  const cd_streaming_store *store = &cofferdam_driver.streaming;
  BEGIN(ret);
  bool done = check_path(*path, err) && (store->open ? store->open(*path, range, ret, err) : missing(err, name));
  cd_string_free(path);
  return finish_info(done, &ret->info, err, name);
}

bool EXPORT(streaming_store_put)(cd_string *path, cd_content content, cd_condition *condition, cd_object_info *ret, cd_error *err) {
  const char *name = "streaming-store.put";
  const cd_streaming_store *store = &cofferdam_driver.streaming;
  BEGIN(ret);
  bool done = check_path(*path, err) && check_claimed(condition, claimed_if_absent, claimed_if_match, err) &&
              (store->put ? store->put(*path, content, condition, ret, err) : missing(err, name));
  cd_content_drop(content);
  IMPORT(store_types_condition_free)(condition);
  cd_string_free(path);
  return finish_info(done, ret, err, name);
}

bool EXPORT(streaming_store_list)(cd_string *prefix, cd_list_options *options, cd_page *ret, cd_error *err) {
  const char *name = "streaming-store.list";
  const cd_streaming_store *store = &cofferdam_driver.streaming;
  BEGIN(ret);
  bool done = (cd_equal(*prefix, cd_text("/")) || check_path(*prefix, err)) &&
              (options->limit || cd_fail(err, CD_INVALID_ARGUMENT, "a limit is at least 1")) &&
              (store->list ? store->list(*prefix, options, ret, err) : missing(err, name));
  IMPORT(store_types_list_options_free)(options);
  cd_string_free(prefix);
  return finish(done, err, name);
}

// Answers each path; those that are none are not passed on.
static void remove_each(cd_string *paths, EXPORT(streaming_store_list_result_void_error_t) * ret) {
  const cd_streaming_store *store = &cofferdam_driver.streaming;
  for (size_t i = 0; i < ret->len; i++) {
    cd_error *err = &ret->ptr[i].val.err;
    bool done = check_path(paths[i], err) && (store->remove ? store->remove(paths[i], err) : missing(err, "streaming-store.remove"));
    ret->ptr[i].is_err = !finish(done, err, "streaming-store.remove");
  }
}

static void remove_together(cd_string *paths, EXPORT(streaming_store_list_result_void_error_t) * ret) {
  size_t count = 0;
  cd_error err = {0};
  cd_string *valid = cd_alloc(ret->len * sizeof *valid);
  for (size_t i = 0; i < ret->len; i++) {
    ret->ptr[i].is_err = !check_path(paths[i], &ret->ptr[i].val.err);
    if (!ret->ptr[i].is_err) valid[count++] = paths[i];
  }
  bool done = finish(count == 0 || cofferdam_driver.streaming.remove_all(valid, count, &err), &err, "streaming-store.remove");
  for (size_t i = 0; i < ret->len && !done; i++) {
    if (ret->ptr[i].is_err) continue;
    ret->ptr[i].is_err = true;
    cd_fail(&ret->ptr[i].val.err, (cd_kind)err.kind, "%.*s", CD_ARG(err.message));
    ret->ptr[i].val.err.retry_after_ms = err.retry_after_ms;
  }
  cd_error_free(&err);
  free(valid);
}

void EXPORT(streaming_store_remove)(EXPORT(streaming_store_list_store_path_t) * paths, EXPORT(streaming_store_list_result_void_error_t) * ret) {
  ret->len = paths->len;
  ret->ptr = paths->len ? cd_alloc(paths->len * sizeof *ret->ptr) : NULL;
  if (cofferdam_driver.streaming.remove_all) remove_together(paths->ptr, ret);
  else remove_each(paths->ptr, ret);
  EXPORT(streaming_store_list_store_path_free)(paths);
}

bool EXPORT(atomic_store_get)(cd_string *key, cd_value *ret, cd_error *err) {
  const char *name = "atomic-store.get";
  const cd_atomic_store *store = &cofferdam_driver.atomic;
  BEGIN(ret);
  bool done = check_key(*key, err) && (store->get ? store->get(*key, ret, err) : missing(err, name));
  cd_string_free(key);
  return finish_string(done, &ret->etag, err, name);
}

bool EXPORT(atomic_store_put)(cd_string *key, cd_bytes *data, cd_condition *condition, cd_string *ret, cd_error *err) {
  const char *name = "atomic-store.put";
  const cd_atomic_store *store = &cofferdam_driver.atomic;
  BEGIN(ret);
  bool done = check_key(*key, err) &&
              (data->len <= CD_VALUE_MAX || cd_fail(err, CD_INVALID_ARGUMENT, "a value has at most 1 MiB")) &&
              (store->put ? store->put(*key, data, condition, ret, err) : missing(err, name));
  IMPORT(store_types_condition_free)(condition);
  cd_bytes_free(data);
  cd_string_free(key);
  return finish_string(done, ret, err, name);
}

bool EXPORT(atomic_store_remove)(cd_string *key, cd_condition *condition, cd_error *err) {
  const char *name = "atomic-store.remove";
  const cd_atomic_store *store = &cofferdam_driver.atomic;
  memset(err, 0, sizeof *err);
  bool if_absent = condition->tag == COFFERDAM_STORAGE_STORE_TYPES_CONDITION_IF_ABSENT;
  bool done = check_key(*key, err) && (!if_absent || cd_fail(err, CD_INVALID_ARGUMENT, "what is absent is not removed")) &&
              check_claimed(condition, false, claimed_remove_if_match, err) &&
              (store->remove ? store->remove(*key, condition, err) : missing(err, name));
  IMPORT(store_types_condition_free)(condition);
  cd_string_free(key);
  return finish(done, err, name);
}

bool EXPORT(atomic_store_list)(cd_string *prefix, cd_string *maybe_after, uint32_t limit, cd_keys *ret, cd_error *err) {
  const char *name = "atomic-store.list";
  const cd_atomic_store *store = &cofferdam_driver.atomic;
  BEGIN(ret);
  bool done = (limit || cd_fail(err, CD_INVALID_ARGUMENT, "a limit is at least 1")) &&
              (store->list ? store->list(*prefix, maybe_after ? *maybe_after : cd_text(""), limit, ret, err) : missing(err, name));
  cd_string_free(prefix);
  if (maybe_after) cd_string_free(maybe_after);
  return finish(done, err, name);
}

bool EXPORT(atomic_store_count)(cd_string *prefix, uint64_t *ret, cd_error *err) {
  BEGIN(ret);
  const cd_atomic_store *store = &cofferdam_driver.atomic;
  bool done = store->count ? store->count(*prefix, ret, err) : missing(err, "atomic-store.count");
  cd_string_free(prefix);
  return finish(done, err, "atomic-store.count");
}

bool EXPORT(uploads_create)(cd_string *path, cd_string *ret, cd_error *err) {
  const char *name = "uploads.create";
  const cd_uploads *uploads = &cofferdam_driver.uploads;
  BEGIN(ret);
  bool done = check_path(*path, err) && (uploads->create ? uploads->create(*path, ret, err) : missing(err, name));
  cd_string_free(path);
  return finish_string(done, ret, err, name);
}

bool EXPORT(uploads_write_part)(cd_string *token, cd_part *part, cd_content content, cd_string *ret, cd_error *err) {
  const char *name = "uploads.write-part";
  const cd_uploads *uploads = &cofferdam_driver.uploads;
  BEGIN(ret);
  bool done = uploads->write_part ? uploads->write_part(*token, part, content, ret, err) : missing(err, name);
  cd_content_drop(content);
  cd_string_free(token);
  return finish_string(done, ret, err, name);
}

bool EXPORT(uploads_complete)(cd_string *token, cd_written_parts *parts, cd_string *destination, cd_condition *condition,
                              cd_object_info *ret, cd_error *err) {
  const char *name = "uploads.complete";
  const cd_uploads *uploads = &cofferdam_driver.uploads;
  BEGIN(ret);
  bool done = check_path(*destination, err) && check_claimed(condition, claimed_complete_if_absent, false, err) &&
              (uploads->complete ? uploads->complete(*token, parts, *destination, condition, ret, err) : missing(err, name));
  IMPORT(store_types_condition_free)(condition);
  EXPORT(uploads_list_written_part_free)(parts);
  cd_string_free(destination);
  cd_string_free(token);
  return finish_info(done, ret, err, name);
}

bool EXPORT(uploads_abort)(cd_string *token, cd_error *err) {
  memset(err, 0, sizeof *err);
  const cd_uploads *uploads = &cofferdam_driver.uploads;
  bool done = uploads->abort ? uploads->abort(*token, err) : missing(err, "uploads.abort");
  cd_string_free(token);
  return finish(done, err, "uploads.abort");
}

typedef bool (*move_function)(cd_string, cd_string, const cd_condition *, cd_object_info *, cd_error *);

static bool move(move_function function, const char *name, cd_string *source, cd_string *destination, cd_condition *condition,
                 cd_object_info *ret, cd_error *err) {
  BEGIN(ret);
  bool done = check_path(*source, err) && check_path(*destination, err) &&
              check_claimed(condition, claimed_if_absent, claimed_if_match, err) &&
              (function ? function(*source, *destination, condition, ret, err) : missing(err, name));
  IMPORT(store_types_condition_free)(condition);
  cd_string_free(source);
  cd_string_free(destination);
  return finish_info(done, ret, err, name);
}

bool EXPORT(copying_copy)(cd_string *source, cd_string *destination, cd_condition *condition, cd_object_info *ret, cd_error *err) {
  return move(cofferdam_driver.copy, "copying.copy", source, destination, condition, ret, err);
}

bool EXPORT(renaming_rename)(cd_string *source, cd_string *destination, cd_condition *condition, cd_object_info *ret, cd_error *err) {
  return move(cofferdam_driver.rename, "renaming.rename", source, destination, condition, ret, err);
}

bool EXPORT(generator_pull)(uint64_t cursor, uint32_t max, cd_bytes *ret, cd_error *err) {
  BEGIN(ret);
  const cd_generator *generator = &cofferdam_driver.generator;
  bool done = generator->pull ? generator->pull(cursor, max, ret, err) : missing(err, "generator.pull");
  return finish(done, err, "generator.pull");
}

void EXPORT(generator_close)(uint64_t cursor) {
  if (cofferdam_driver.generator.close) cofferdam_driver.generator.close(cursor);
}

bool EXPORT(content_store_store)(cd_content content, cd_string *algorithm, cd_string *ret, cd_error *err) {
  BEGIN(ret);
  bool done = cofferdam_driver.store ? cofferdam_driver.store(content, *algorithm, ret, err) : missing(err, "content-store.store");
  cd_content_drop(content);
  cd_string_free(algorithm);
  return finish_string(done, ret, err, "content-store.store");
}

bool EXPORT(presigning_presign)(cd_string *path, uint8_t access, uint32_t seconds, cd_string *ret, cd_error *err) {
  BEGIN(ret);
  bool done = check_path(*path, err) &&
              (cofferdam_driver.presign ? cofferdam_driver.presign(*path, access, seconds, ret, err) : missing(err, "presigning.presign"));
  cd_string_free(path);
  return finish_string(done, ret, err, "presigning.presign");
}

// The export of a driver that lists its uploads is its own: its types are still being settled. These stand in for it.
__attribute__((weak)) bool EXPORT(upload_listing_find)(cd_string *maybe_cursor, uint32_t limit, EXPORT(upload_listing_tuple2_list_found_option_string_t) * ret, cd_error *err) {
  (void)limit;
  BEGIN(ret);
  if (maybe_cursor) cd_string_free(maybe_cursor);
  return missing(err, "upload-listing.find");
}

// By its symbol, since the type of what it answers is not in every version of the contract.
__attribute__((weak)) bool no_written(cd_string *token, void *ret, cd_error *err) __asm__("exports_cofferdam_storage_upload_listing_written");
bool no_written(cd_string *token, void *ret, cd_error *err) {
  (void)ret;
  memset(err, 0, sizeof *err);
  cd_string_free(token);
  return missing(err, "upload-listing.written");
}
