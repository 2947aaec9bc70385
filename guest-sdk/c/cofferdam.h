// Storage drivers for Cofferdam in C: fill one struct of functions, call the host by the functions below it.
//
// Who owns what, everywhere:
// - An argument is *borrowed*: it is valid until your function returns, and the SDK frees it. Copy what you keep (`cd_copy`).
// - An answer (`out`) is *handed over*: it comes zeroed, you fill it with memory of `malloc` (`cd_copy`, `cd_format`), and the
//   caller frees it. If you return false, free what you put into it and zero it; `err` alone is read.
// - What a host function answers is *yours*: free it with the function that is named beside it, or hand it over.
// - A handle (content, guard, buffer) is dropped once: by you, or by handing it over.
// - `err` is zeroed, or filled by a function that returned false. `cd_fail` frees what is in it first.
#ifndef COFFERDAM_H
#define COFFERDAM_H

#include "everything.h"  // generated from wit/ at build time; it is C++ as well

#ifdef __cplusplus
extern "C" {
#endif

// ---- Types ----------------------------------------------------------------------------------------------------------

typedef everything_string_t cd_string;  // UTF-8, not terminated by NUL. `cd_string_free`, if it is yours.
typedef everything_list_u8_t cd_bytes;  // `cd_bytes_free`, if they are yours.
typedef cofferdam_storage_store_types_error_t cd_error;  // `cd_error_free`, if you do not hand it on.
typedef cofferdam_storage_store_types_attributes_t cd_attributes;
typedef cofferdam_storage_store_types_object_info_t cd_object_info;  // Owns its strings: `cd_object_info_free`.
typedef cofferdam_storage_store_types_condition_t cd_condition;
typedef cofferdam_storage_store_types_byte_range_t cd_range;
typedef cofferdam_storage_store_types_list_options_t cd_list_options;
typedef cofferdam_storage_store_types_page_t cd_page;
typedef cofferdam_storage_data_opened_t cd_opened;  // Owns info and content.
typedef cofferdam_storage_data_own_content_t cd_content;  // Bytes that the host holds. `cd_content_drop`.
typedef cofferdam_storage_files_file_info_t cd_file_info;  // Owns its strings: `cd_file_info_free`.
typedef cofferdam_storage_files_opened_file_t cd_file;  // Owns both: `cd_file_info_free(&f.info)`, `cd_content_drop(f.content)`.
typedef cofferdam_storage_files_list_file_info_t cd_file_list;  // `cofferdam_storage_files_list_file_info_free`.
typedef cofferdam_storage_files_own_guard_t cd_guard;  // A held lock. `cd_guard_drop`.
typedef exports_cofferdam_storage_atomic_store_value_t cd_value;
typedef exports_cofferdam_storage_atomic_store_keys_t cd_keys;
typedef cofferdam_storage_store_types_part_t cd_part;
typedef exports_cofferdam_storage_uploads_list_written_part_t cd_written_parts;

typedef enum cd_kind {  // what a caller matches on; wit/types.wit says when each is right
  CD_NOT_FOUND, CD_ALREADY_EXISTS, CD_PRECONDITION_FAILED, CD_INVALID_PATH, CD_INVALID_RANGE, CD_INVALID_ARGUMENT,
  CD_UNSUPPORTED, CD_PERMISSION_DENIED, CD_UNAUTHENTICATED, CD_QUOTA_EXCEEDED, CD_RATE_LIMITED, CD_UNAVAILABLE,
  CD_CORRUPTED, CD_UPLOAD_EXPIRED, CD_INTERNAL
} cd_kind;

typedef enum cd_level { CD_TRACE, CD_DEBUG, CD_INFO, CD_WARN, CD_ERROR } cd_level;

enum { CD_PATH_MAX = 900, CD_COMPONENT_MAX = 200, CD_VALUE_MAX = 1 << 20, CD_READ_MAX = 1 << 20, CD_ENTRIES_MAX = 10000 };

// ---- What a driver fills --------------------------------------------------------------------------------------------
// Each function returns true and fills `out`, or false and fills `err` (`return cd_fail(err, …)`). NULL is "not supported":
// the caller gets `unsupported` with the function's name. Paths and keys were checked against the contract's rules.
// Which interfaces are exported at all, and so claimed, says the world that the driver is built for, not this struct.

typedef struct cd_streaming_store {
  bool (*stat)(cd_string path, cd_object_info *out, cd_error *err);
  bool (*open)(cd_string path, const cd_range *range, cd_opened *out, cd_error *err);  // hands `out->content` over
  // `content` is borrowed: do not drop it. A condition that was not claimed does not get here.
  bool (*put)(cd_string path, cd_content content, const cd_condition *condition, cd_object_info *out, cd_error *err);
  bool (*list)(cd_string prefix, const cd_list_options *options, cd_page *out, cd_error *err);
  // One object; a missing one is a success.
  bool (*remove)(cd_string path, cd_error *err);
  // Optional, instead of `remove`: all of one call at once; all succeed, or all fail for the same reason.
  bool (*remove_all)(const cd_string *paths, size_t count, cd_error *err);
} cd_streaming_store;

typedef struct cd_atomic_store {
  bool (*get)(cd_string key, cd_value *out, cd_error *err);
  // `data` has at most CD_VALUE_MAX bytes. `etag` is handed over.
  bool (*put)(cd_string key, const cd_bytes *data, const cd_condition *condition, cd_string *etag, cd_error *err);
  bool (*remove)(cd_string key, const cd_condition *condition, cd_error *err);
  // `after` is empty where the first page is asked for.
  bool (*list)(cd_string prefix, cd_string after, uint32_t limit, cd_keys *out, cd_error *err);
  bool (*count)(cd_string prefix, uint64_t *out, cd_error *err);
} cd_atomic_store;

typedef struct cd_uploads {
  bool (*create)(cd_string path, cd_string *token, cd_error *err);  // `token` is handed over
  bool (*write_part)(cd_string token, const cd_part *part, cd_content content, cd_string *id, cd_error *err);  // as `put`
  bool (*complete)(cd_string token, const cd_written_parts *parts, cd_string destination, const cd_condition *condition,
                   cd_object_info *out, cd_error *err);
  bool (*abort)(cd_string token, cd_error *err);
} cd_uploads;

typedef struct cd_generator {
  bool (*pull)(uint64_t cursor, uint32_t max, cd_bytes *out, cd_error *err);  // `out` is handed over
  void (*close)(uint64_t cursor);
} cd_generator;

typedef struct cd_driver {
  const char *name, *version;   // static
  const char *settings_schema;  // static JSON Schema; NULL: no settings
  // Takes the settings (`cd_setting`) and adds claims (`cd_claim`). NULL: neither. No I/O in here.
  bool (*configure)(const cd_attributes *settings, cd_attributes *claims, cd_error *err);
  bool (*health)(cd_error *err);  // NULL: always well
  cd_streaming_store streaming;
  cd_atomic_store atomic;
  cd_uploads uploads;
  cd_generator generator;
  bool (*copy)(cd_string source, cd_string destination, const cd_condition *condition, cd_object_info *out, cd_error *err);
  bool (*rename)(cd_string source, cd_string destination, const cd_condition *condition, cd_object_info *out, cd_error *err);
  bool (*store)(cd_content content, cd_string algorithm, cd_string *key, cd_error *err);  // `key` is handed over
  bool (*presign)(cd_string path, uint8_t access, uint32_t seconds, cd_string *url, cd_error *err);  // `url` is handed over
} cd_driver;

// The driver defines it: `const cd_driver cofferdam_driver = {.name = …}`. In C++ a `const` has no linkage of its own, so this
// declaration must come first (include this header before the definition) or the linker does not find it.
extern const cd_driver cofferdam_driver;

// ---- Errors, the log, assertions ------------------------------------------------------------------------------------

// Fills `err` and returns false. The message is one sentence without a period.
bool cd_fail(cd_error *err, cd_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool cd_not_found(cd_error *err, cd_string what);
static inline bool cd_is(const cd_error *err, cd_kind kind) { return err->kind == (uint8_t)kind; }
void cd_error_free(cd_error *err);  // and zeroes it

void cd_log(cd_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Ends the call with a trap; the message reaches the host's log as `driver.c:12: function: message`. `assert` of <assert.h>
// ends here as well. The host throws the instance away and starts another.
__attribute__((noreturn)) void cd_abort_at(const char *file, int line, const char *function, const char *message);
#define cd_abort(message) cd_abort_at(__FILE__, __LINE__, __func__, message)
#define cd_assert(condition) ((condition) ? (void)0 : cd_abort("assertion failed: " #condition))

// ---- Memory and strings ---------------------------------------------------------------------------------------------

void *cd_alloc(size_t size);                  // zeroed; never NULL: without memory the call is aborted
void *cd_realloc(void *memory, size_t size);  // the same, as `realloc`
cd_string cd_text(const char *text);  // borrows a C string
cd_string cd_slice(cd_string text, size_t begin, size_t end);  // borrows a part
cd_string cd_copy(cd_string text);    // yours
cd_string cd_format(const char *format, ...) __attribute__((format(printf, 1, 2)));  // yours
void cd_string_free(cd_string *text);
void cd_bytes_free(cd_bytes *bytes);
int cd_compare(cd_string a, cd_string b);  // in byte order: <0, 0, >0
bool cd_equal(cd_string a, cd_string b);
bool cd_starts(cd_string text, cd_string prefix);
#define CD_ARG(text) (int)(text).len, (const char *)(text).ptr  // for "%.*s"

// ---- Paths, pages, conditions, settings, claims ---------------------------------------------------------------------

bool cd_is_component(cd_string name);
bool cd_is_path(cd_string path);
bool cd_is_key(cd_string key);
cd_string cd_setting(const cd_attributes *settings, const char *name);  // borrowed; empty if there is none
void cd_claim(cd_attributes *claims, const char *name, const char *value);
// Whether `etag` (NULL: nothing is stored) fulfils the condition, or the error that the contract asks for.
bool cd_condition_check(const cd_condition *condition, const cd_string *etag, cd_string what, cd_error *err);
// An object's metadata; copies `path` and `etag`.
cd_object_info cd_object(cd_string path, uint64_t size, uint64_t modified, cd_string etag);
cd_object_info cd_prefix(cd_string path);  // copies
void cd_object_info_free(cd_object_info *info);
// Adds an entry, which it takes over. False if the page has `limit` entries: then `next` is set, and `entry` freed.
bool cd_page_add(cd_page *page, uint32_t limit, cd_object_info entry);
// The sort key, below `prefix`, after which a list begins (borrowed; empty: at the start). `*none`: nothing can follow.
bool cd_list_after(cd_string prefix, const cd_list_options *options, cd_string *after, bool *none, cd_error *err);

// ---- The host: content ----------------------------------------------------------------------------------------------

bool cd_content_size(cd_content content, uint64_t *size);  // false: not known
bool cd_content_read(cd_content content, uint64_t offset, uint32_t max, cd_bytes *out, cd_error *err);  // `cd_bytes_free`
bool cd_content_digest(cd_content content, const char *algorithm, cd_bytes *out, cd_error *err);        // `cd_bytes_free`
cd_content cd_content_from(const void *bytes, size_t length);  // copies
void cd_content_drop(cd_content content);
uint64_t cd_now(void);

// ---- The host: files. Paths begin with the name of a grant. Import `files` in the driver's world. -----------------------

enum { CD_FILE, CD_DIRECTORY, CD_OTHER };
bool cd_files_open(cd_string path, const cd_range *range, cd_file *out, cd_error *err);
bool cd_files_stat(cd_string path, cd_file_info *out, cd_error *err);
bool cd_files_replace(cd_string path, cd_content content, bool no_replace, cd_file_info *out, cd_error *err);
bool cd_files_write(cd_string path, uint64_t offset, cd_content content, bool truncate, uint64_t *written, cd_error *err);
bool cd_files_set_size(cd_string path, uint64_t size, cd_error *err);
bool cd_files_sync(cd_string path, cd_error *err);
bool cd_files_commit(cd_string source, cd_string destination, cd_error *err);
bool cd_files_remove(cd_string path, cd_error *err);
bool cd_files_lock(cd_string name, cd_guard *out, cd_error *err);
void cd_guard_drop(cd_guard guard);
void cd_file_info_free(cd_file_info *info);
// Reads a whole file of at most `max` bytes. `out` and `info` are yours.
bool cd_files_read(cd_string path, uint32_t max, cd_bytes *out, cd_file_info *info, cd_error *err);
// Removes the directories above `file`, up to `top`, that are empty.
void cd_files_prune(cd_string file, cd_string top);
// Calls `visit` for what is in `directory` in the order of a list, `below` being relative to it, until it returns false.
// `deep`: files at any depth instead of direct children. `*exists`: whether the directory is there.
typedef bool (*cd_visit)(void *context, cd_string below, const cd_file_info *info);
bool cd_files_walk(cd_string directory, cd_string after, bool deep, uint32_t chunk, cd_visit visit, void *context, bool *exists,
                   cd_error *err);

#ifdef __cplusplus
}
#endif
#endif
