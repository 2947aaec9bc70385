// The file: records, their checksums, the index made of them, appending, and compaction.
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOG "/data/store.log"
#define UNFINISHED "/data/store.new"  // a compaction that is not done; the next one empties it
#define LOCK "/data/store.lock"

enum {
  FILE_HEADER = 32,  // magic 8, id 8, next sequence 8, checksum 4, zeros 4
  RECORD_HEADER = 40,  // magic 4, checksum 4, name length 2, kind 1, zero 1, body's checksum 4, size 8, sequence 8, modified 8
  NAME_MAX_LENGTH = CD_PATH_MAX + 1,
  WINDOW = 64 << 10,
  COMPACT_AT = 4 << 20,  // so many dead bytes, if they are more than the living
};

enum { PUT = 1, REMOVED = 2 };
static const uint32_t RECORD_MAGIC = 0x31524443;
static const uint64_t FILE_MAGIC = 0x31474f4c46464f43;

// What is known of the file.
static uint64_t file_id;  // 0: there is none
static uint64_t valid_end, file_size, next_sequence, live_bytes;
static log_entry *entries;
static size_t count, room;

typedef struct record {
  uint64_t at, size, sequence, modified;
  uint32_t body_sum;
  uint16_t name_length;
  uint8_t kind;
} record;

// ---- Bytes ------------------------------------------------------------------------------------------------------------

static uint64_t load(const uint8_t *from, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << (8 * i);
  return value;
}

static void save(uint8_t *to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = ~0u;
  for (size_t i = 0; i < length; i++) {
    sum ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ (0x82f63b78 & -(sum & 1));
  }
  return ~sum;
}

static uint64_t whole_length(const record *r) { return RECORD_HEADER + r->name_length + (r->kind == PUT ? r->size : 0); }

// Writes header and name of a record; answers their length.
static size_t encode(uint8_t *to, const record *r, cd_string name) {
  memset(to, 0, RECORD_HEADER);
  save(to, RECORD_MAGIC, 4);
  save(to + 8, name.len, 2);
  to[10] = r->kind;
  save(to + 12, r->body_sum, 4);
  save(to + 16, r->size, 8);
  save(to + 24, r->sequence, 8);
  save(to + 32, r->modified, 8);
  memcpy(to + RECORD_HEADER, name.ptr, name.len);
  save(to + 4, checksum(to + 8, RECORD_HEADER - 8 + name.len), 4);
  return RECORD_HEADER + name.len;
}

// Whether there is a whole record head in these bytes.
static bool decode(const uint8_t *from, size_t length, record *r) {
  if (length < RECORD_HEADER || load(from, 4) != RECORD_MAGIC) return false;
  r->name_length = (uint16_t)load(from + 8, 2);
  if (r->name_length == 0 || r->name_length > NAME_MAX_LENGTH || length < RECORD_HEADER + (size_t)r->name_length) return false;
  if (load(from + 4, 4) != checksum(from + 8, RECORD_HEADER - 8 + r->name_length)) return false;
  r->kind = from[10];
  r->body_sum = (uint32_t)load(from + 12, 4);
  r->size = load(from + 16, 8);
  r->sequence = load(from + 24, 8);
  r->modified = load(from + 32, 8);
  return r->kind == PUT || r->kind == REMOVED;
}

static cd_range bounded(uint64_t offset, uint64_t length) {
  cd_range range = {.tag = COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_BOUNDED};
  range.val.bounded.offset = offset;
  range.val.bounded.length = length;
  return range;
}

// ---- The index --------------------------------------------------------------------------------------------------------

size_t log_count(void) { return count; }
const log_entry *log_at(size_t position) { return &entries[position]; }

size_t log_lower_bound(cd_string name) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (cd_compare(entries[middle].name, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool is_at(size_t position, cd_string name) { return position < count && cd_equal(entries[position].name, name); }

const log_entry *log_find(cd_string name) {
  size_t position = log_lower_bound(name);
  return is_at(position, name) ? &entries[position] : NULL;
}

static uint64_t entry_length(const log_entry *entry) { return RECORD_HEADER + entry->name.len + entry->size; }

static void apply(const record *r, cd_string name) {
  size_t position = log_lower_bound(name);
  bool there = is_at(position, name);
  if (there) live_bytes -= entry_length(&entries[position]);
  if (r->kind == REMOVED) {
    if (there) {
      cd_string_free(&entries[position].name);
      memmove(&entries[position], &entries[position + 1], (--count - position) * sizeof *entries);
    }
  } else {
    if (!there) {
      if (count == room) entries = cd_realloc(entries, (room = room ? 2 * room : 64) * sizeof *entries);
      memmove(&entries[position + 1], &entries[position], (count++ - position) * sizeof *entries);
      entries[position].name = cd_copy(name);
    }
    log_entry *entry = &entries[position];
    entry->record = r->at, entry->size = r->size, entry->sequence = r->sequence, entry->modified = r->modified;
    live_bytes += entry_length(entry);
  }
  if (r->sequence >= next_sequence) next_sequence = r->sequence + 1;
  valid_end = r->at + whole_length(r);
}

static void forget(void) {
  for (size_t i = 0; i < count; i++) cd_string_free(&entries[i].name);
  count = 0;
  file_id = valid_end = file_size = next_sequence = live_bytes = 0;
}

// ---- Reading the file ---------------------------------------------------------------------------------------------------

// The id and the next sequence of an opened file. An id of 0 is none.
static bool read_header(cd_content file, uint64_t *id, uint64_t *sequence, cd_error *err) {
  cd_bytes head;
  if (!cd_content_read(file, 0, FILE_HEADER, &head, err)) return false;
  bool good = head.len == FILE_HEADER && load(head.ptr, 8) == FILE_MAGIC && load(head.ptr + 24, 4) == checksum(head.ptr, 24);
  if (good) *id = load(head.ptr + 8, 8), *sequence = load(head.ptr + 16, 8);
  cd_bytes_free(&head);
  return good || cd_fail(err, CD_CORRUPTED, LOG " does not begin as a log does");
}

// Whether the bytes of a record are those that were written: asked of the host, who reads them.
static bool body_is_whole(const record *r, bool *whole, cd_error *err) {
  cd_range range = bounded(r->at + RECORD_HEADER + r->name_length, r->size);
  cd_file body;
  cd_bytes sum;
  if (!cd_files_open(cd_text(LOG), &range, &body, err)) return false;
  bool done = cd_content_digest(body.content, "crc32c", &sum, err);
  cd_content_drop(body.content);
  cd_file_info_free(&body.info);
  if (!done) return false;
  *whole = sum.len == 4 && load(sum.ptr, 4) == r->body_sum;
  cd_bytes_free(&sum);
  return true;
}

// Applies the records from `valid_end` on. Where the whole file is read, the last one is applied only if its bytes are whole
// (else `*torn`): after a loss of power its head may be on the disk without them. Every earlier one was made durable before the
// next was begun; and who follows a living file sees a head only after the bytes.
static bool scan(cd_content file, uint64_t size, bool *torn, cd_error *err) {
  bool from_start = valid_end == FILE_HEADER;
  cd_bytes window = {0};
  uint64_t window_at = 0;
  record last = {0};
  cd_string last_name = {0};
  bool done = true;
  for (uint64_t at = valid_end; at + RECORD_HEADER <= size;) {
    size_t most = RECORD_HEADER + NAME_MAX_LENGTH;
    if (size - at < most) most = (size_t)(size - at);
    if (at < window_at || at + most > window_at + window.len) {
      cd_bytes_free(&window);
      done = cd_content_read(file, at, WINDOW, &window, err);
      window_at = at;
      if (!done) break;
    }
    record r = {.at = at};
    const uint8_t *head = window.ptr + (at - window_at);
    if (!decode(head, window.len - (size_t)(at - window_at), &r) || r.size > size || at + whole_length(&r) > size) break;
    if (last.kind) apply(&last, last_name);
    cd_string_free(&last_name);
    cd_string name = {(uint8_t *)head + RECORD_HEADER, r.name_length};
    last = r, last_name = cd_copy(name);
    at += whole_length(&r);
  }
  bool whole = true;
  if (done && last.kind == PUT && from_start) done = body_is_whole(&last, &whole, err);
  if (done && last.kind && whole) apply(&last, last_name);
  *torn = !whole;
  cd_string_free(&last_name);
  cd_bytes_free(&window);
  return done;
}

static bool refresh(bool *torn, cd_error *err) {
  *torn = false;
  cd_range all = {.tag = COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_WHOLE};
  cd_file file;
  if (!cd_files_open(cd_text(LOG), &all, &file, err)) {
    if (!cd_is(err, CD_NOT_FOUND)) return false;
    cd_error_free(err);
    forget();
    return true;
  }
  uint64_t id = 0, sequence = 0, size = file.info.size;
  bool done = read_header(file.content, &id, &sequence, err);
  if (done && (id != file_id || size < valid_end)) {
    forget();
    file_id = id, next_sequence = sequence, valid_end = FILE_HEADER;
  }
  if (done && size > valid_end) done = scan(file.content, size, torn, err);
  file_size = size;
  cd_content_drop(file.content);
  cd_file_info_free(&file.info);
  return done;
}

bool log_unchanged(bool *unchanged, cd_error *err) {
  cd_range head = bounded(0, FILE_HEADER);
  cd_file file;
  if (!cd_files_open(cd_text(LOG), &head, &file, err)) return false;
  uint64_t id, sequence;
  bool done = read_header(file.content, &id, &sequence, err);
  cd_content_drop(file.content);
  cd_file_info_free(&file.info);
  *unchanged = done && id == file_id;
  return done;
}

bool log_refresh(cd_error *err) {
  for (;;) {
    bool torn, unchanged;
    if (!refresh(&torn, err)) return false;
    if (!torn) return true;
    // A checksum that is wrong may be that of another file: one that a compaction put in its place meanwhile.
    if (!log_unchanged(&unchanged, err)) return false;
    if (unchanged) return true;
    forget();
  }
}

// The part of `size` bytes that a range means.
static cd_range within(const cd_range *range, uint64_t begin, uint64_t size) {
  uint64_t offset = 0, length = size;
  switch (range->tag) {
    case COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_STARTING_AT: offset = range->val.starting_at; break;
    case COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_BOUNDED: offset = range->val.bounded.offset, length = range->val.bounded.length; break;
    case COFFERDAM_STORAGE_STORE_TYPES_BYTE_RANGE_LAST: offset = range->val.last < size ? size - range->val.last : 0; break;
    default: break;
  }
  if (offset > size) offset = size;
  if (length > size - offset) length = size - offset;
  return bounded(begin + offset, length);
}

bool log_open(const log_entry *entry, const cd_range *range, cd_content *out, cd_error *err) {
  cd_range part = within(range, entry->record + RECORD_HEADER + entry->name.len, entry->size);
  cd_file file;
  if (!cd_files_open(cd_text(LOG), &part, &file, err)) return false;
  cd_file_info_free(&file.info);
  *out = file.content;
  return true;
}

// ---- Writing ------------------------------------------------------------------------------------------------------------

static bool write_bytes(const char *path, uint64_t offset, const uint8_t *bytes, size_t length, bool truncate, cd_error *err) {
  uint64_t written;
  cd_content content = cd_content_from(bytes, length);
  bool done = cd_files_write(cd_text(path), offset, content, truncate, &written, err);
  cd_content_drop(content);
  return done;
}

static void make_header(uint8_t header[FILE_HEADER]) {
  cd_bytes id;
  cofferdam_storage_system_random(8, &id);
  memset(header, 0, FILE_HEADER);
  save(header, FILE_MAGIC, 8);
  memcpy(header + 8, id.ptr, 8);
  header[8] |= 1;  // 0 stands for none
  save(header + 16, next_sequence ? next_sequence : 1, 8);
  save(header + 24, checksum(header, 24), 4);
  cd_bytes_free(&id);
}

static bool create(cd_error *err) {
  uint8_t header[FILE_HEADER];
  make_header(header);
  cd_file_info info;
  cd_content content = cd_content_from(header, sizeof header);
  bool done = cd_files_replace(cd_text(LOG), content, true, &info, err);
  cd_content_drop(content);
  if (!done) return false;
  cd_file_info_free(&info);
  return log_refresh(err);
}

static int by_record(const void *a, const void *b) {
  uint64_t first = (*(const log_entry *const *)a)->record, second = (*(const log_entry *const *)b)->record;
  return (first > second) - (first < second);
}

// Copies the records from `begin` to `end` of the log to `to`, host to host.
static bool copy_run(uint64_t begin, uint64_t end, uint64_t to, cd_error *err) {
  cd_range range = bounded(begin, end - begin);
  cd_file file;
  uint64_t written;
  if (!cd_files_open(cd_text(LOG), &range, &file, err)) return false;
  bool done = cd_files_write(cd_text(UNFINISHED), to, file.content, false, &written, err);
  cd_content_drop(file.content);
  cd_file_info_free(&file.info);
  return done && (written == end - begin || cd_fail(err, CD_CORRUPTED, LOG " became shorter"));
}

// Copies what lives to a new file, in the order in which it was written, and puts it in place of the log by one rename.
static bool compact(cd_error *err) {
  uint8_t header[FILE_HEADER];
  make_header(header);
  bool done = write_bytes(UNFINISHED, 0, header, sizeof header, true, err);
  const log_entry **order = cd_alloc(count * sizeof *order);
  for (size_t i = 0; i < count; i++) order[i] = &entries[i];
  qsort(order, count, sizeof *order, by_record);
  uint64_t to = FILE_HEADER;
  for (size_t i = 0; i < count && done;) {
    uint64_t begin = order[i]->record, end = begin;
    for (; i < count && order[i]->record == end; i++) end += entry_length(order[i]);  // neighbours go together
    done = copy_run(begin, end, to, err);
    to += end - begin;
  }
  free(order);
  return done && cd_files_commit(cd_text(UNFINISHED), cd_text(LOG), err) && log_refresh(err);
}

bool log_begin(cd_guard *lock, cd_error *err) {
  if (!cd_files_lock(cd_text(LOCK), lock, err)) return false;
  bool done = log_refresh(err) && (file_id || create(err));
  if (done && file_size > valid_end) {
    cd_log(CD_WARN, "cutting a torn tail of %" PRIu64 " bytes off " LOG, file_size - valid_end);
    done = cd_files_set_size(cd_text(LOG), valid_end, err);
  }
  if (!done) cd_guard_drop(*lock);
  return done;
}

void log_end(cd_guard lock) {
  uint64_t dead = valid_end > live_bytes ? valid_end - live_bytes : 0;
  cd_error err = {0};
  // What was written is durable already: a compaction that fails is told, and tried again by the next writer.
  if (dead > COMPACT_AT && dead > live_bytes && !compact(&err)) cd_log(CD_WARN, "compaction failed: %.*s", CD_ARG(err.message));
  cd_error_free(&err);
  cd_guard_drop(lock);
}

// Takes back what was appended after the last valid record, so that a failed write leaves nothing.
static bool take_back(void) {
  cd_error ignored = {0};  // else the next writer cuts it
  cd_files_set_size(cd_text(LOG), valid_end, &ignored);
  cd_error_free(&ignored);
  return false;
}

// The checksum of `size` bytes at `offset`: from the file, since a content that is live has no digest.
static bool sum_of(uint64_t offset, uint64_t size, uint32_t *sum, cd_error *err) {
  cd_range range = bounded(offset, size);
  cd_file file;
  cd_bytes digest;
  if (!cd_files_open(cd_text(LOG), &range, &file, err)) return false;
  bool done = cd_content_digest(file.content, "crc32c", &digest, err);
  cd_content_drop(file.content);
  cd_file_info_free(&file.info);
  if (!done) return false;
  *sum = (uint32_t)load(digest.ptr, 4);
  cd_bytes_free(&digest);
  return true;
}

// After a head was written, readers may have seen the record: the file without it must be another one, of another id.
static bool retreat(void) {
  cd_error why = {0};
  if (!compact(&why)) cd_log(CD_ERROR, "a write that failed could not be taken back: %.*s", CD_ARG(why.message));
  cd_error_free(&why);
  return false;
}

bool log_put(cd_string name, cd_content content, cd_error *err) {
  uint8_t head[RECORD_HEADER + NAME_MAX_LENGTH];
  const log_entry *old = log_find(name);
  record r = {.at = valid_end, .sequence = next_sequence, .modified = cd_now(), .name_length = (uint16_t)name.len, .kind = PUT};
  if (old && old->modified > r.modified) r.modified = old->modified;
  uint64_t body = r.at + RECORD_HEADER + name.len, expected = 0;
  bool known = cd_content_size(content, &expected);
  // The bytes first, the head last: who sees the head sees a whole record, with no lock.
  if (!cd_files_write(cd_text(LOG), body, content, false, &r.size, err)) return take_back();
  if (known && r.size != expected) {
    cd_fail(err, CD_INVALID_ARGUMENT, "the content has %" PRIu64 " bytes instead of %" PRIu64, r.size, expected);
    return take_back();
  }
  if (!sum_of(body, r.size, &r.body_sum, err)) return take_back();
  size_t length = encode(head, &r, name);
  if (!write_bytes(LOG, r.at, head, length, false, err) || !cd_files_sync(cd_text(LOG), err)) return retreat();
  apply(&r, name);
  return true;
}

bool log_remove(const cd_string *names, size_t number, cd_error *err) {
  uint8_t *batch = cd_alloc(number * (RECORD_HEADER + NAME_MAX_LENGTH));
  record *records = cd_alloc(number * sizeof *records);
  uint64_t now = cd_now();
  size_t length = 0;
  for (size_t i = 0; i < number; i++) {
    if (!log_find(names[i])) continue;
    record r = {.at = valid_end + length, .sequence = next_sequence + i, .modified = now, .name_length = (uint16_t)names[i].len, .kind = REMOVED};
    records[i] = r;
    length += encode(batch + length, &r, names[i]);
  }
  bool done = length == 0 || (write_bytes(LOG, valid_end, batch, length, false, err) && cd_files_sync(cd_text(LOG), err)) || retreat();
  for (size_t i = 0; i < number && done; i++)
    if (records[i].kind) apply(&records[i], names[i]);
  free(records);
  free(batch);
  return done;
}
