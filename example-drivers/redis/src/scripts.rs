//! What runs inside the server: Lua, each script in one step, so that value and index change together and nobody comes between a
//! condition and what depends on it.
//!
//! A script that fails must fail before it has changed anything: first the value's type is seen, then the index's by changing it, and
//! a server that cannot write (no memory, no disk, a replica) says so at the first change.

/// Writes a value. `KEYS`: value, index. `ARGV`: database, key, condition, its etag, the new etag, the data.
pub(crate) const PUT: &str = "
if ARGV[1] ~= '0' then redis.call('SELECT', ARGV[1]) end
local now = redis.call('HGET', KEYS[1], 'etag')
if ARGV[3] == 'absent' and now then return redis.status_reply('PRESENT') end
if ARGV[3] == 'match' and now ~= ARGV[4] then return redis.status_reply('CHANGED') end
redis.call('ZADD', KEYS[2], 0, ARGV[2])
redis.call('HSET', KEYS[1], 'etag', ARGV[5], 'data', ARGV[6])
return redis.status_reply('OK')
";

/// Removes a value. `KEYS`: value, index. `ARGV`: database, key, condition, its etag.
pub(crate) const REMOVE: &str = "
if ARGV[1] ~= '0' then redis.call('SELECT', ARGV[1]) end
local now = redis.call('HGET', KEYS[1], 'etag')
if ARGV[3] == 'match' and now ~= ARGV[4] then return redis.status_reply('CHANGED') end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return redis.status_reply('OK')
";

/// A command that reads, in another database than 0. `ARGV`: database, the command's words.
pub(crate) const IN_DATABASE: &str = "
redis.call('SELECT', ARGV[1])
return redis.call(unpack(ARGV, 2))
";
