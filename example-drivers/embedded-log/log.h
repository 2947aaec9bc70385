// The log: one file of records, and an index of it in memory. What is in the file is told in README.md.
#ifndef LOG_H
#define LOG_H

#include "cofferdam.h"

// A name is the space that it is in, `o` (an object) or `v` (a value), then its path or key: so both are in one index.
typedef struct log_entry {
  cd_string name;    // owned
  uint64_t record;   // where its record begins in the file
  uint64_t size;     // of its bytes
  uint64_t sequence; // counts the writes of the store: the etag
  uint64_t modified;
} log_entry;

// Brings the index up to date with the file, whoever wrote to it.
bool log_refresh(cd_error *err);

// Whether the file is still the one that the index was made of, so that an offset taken from it was right.
bool log_unchanged(bool *unchanged, cd_error *err);

// The entries in byte order of their names. Borrowed, until the next call of a function with `err`.
size_t log_count(void);
const log_entry *log_at(size_t position);
size_t log_lower_bound(cd_string name);  // the first that is not less
const log_entry *log_find(cd_string name);

// The bytes of an entry, in the range, as content that the host holds.
bool log_open(const log_entry *entry, const cd_range *range, cd_content *out, cd_error *err);

// Everything that writes is between these two. `log_begin` takes the lock of all writers, refreshes, and cuts a torn tail.
bool log_begin(cd_guard *lock, cd_error *err);
void log_end(cd_guard lock);
// Appends `content` under `name`, durably. The new entry is in the index.
bool log_put(cd_string name, cd_content content, cd_error *err);
// Appends the removal of those of the names that are there, durably, by one write.
bool log_remove(const cd_string *names, size_t count, cd_error *err);

#endif
