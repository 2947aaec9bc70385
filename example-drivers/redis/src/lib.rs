//! The redis driver: small values with compare and swap in a Redis server, or in one that speaks as it does (Valkey, KeyDB).
//!
//! It is an atomic store alone: mount it beside a driver that keeps objects. Every operation is one round trip. What is stored:
//!
//! | Redis key | type | what |
//! |---|---|---|
//! | `{PREFIX}:value:KEY` | hash | `data`, and `etag`: random, so that no version ever has that of another, also after a removal |
//! | `{PREFIX}:keys` | sorted set | every key, with the score 0: Redis keeps these in byte order, so that a page is found without a scan |
//!
//! A script changes both, in one step. The braces keep both in one slot, wherever keys are spread by slots.
//!
//! | module | its one job |
//! |---|---|
//! | `scripts` | what runs inside the server |
//! | `resp` | commands and replies on the wire |
//! | `errors` | what Redis calls an error, as one of the contract's kinds |

mod errors;
mod resp;
mod scripts;

use cofferdam_guest::prelude::*;

use resp::Reply;

#[cfg(feature = "export")]
cofferdam_guest::export_driver!(RedisDriver: AtomicStore);

// ---- Settings and state -------------------------------------------------------------------------------------------------

settings! {
    /// The settings of the redis driver.
    pub struct Settings {
        /// The name of the connection in the grant.
        pub connection: String = "redis",
        /// What every key in Redis begins with, so that several mounts share a database.
        pub prefix: String = "cofferdam",
        /// The number of the database.
        pub database: u32 = 0,
    }
}

/// The most keys of one page: with the longest names it stays below a megabyte.
const PAGE_MAX: u32 = 1000;

/// The longest prefix: it goes with every command.
const PREFIX_MAX: usize = 200;

/// The driver. What it stores is in Redis; it keeps nothing itself.
pub struct RedisDriver {
    connection: String,
    /// `{PREFIX}`.
    tag: String,
    /// The number of the database, in digits.
    database: String,
    /// The server's configuration was looked at.
    looked: bool,
}

impl Driver for RedisDriver {
    const NAME: &'static str = "redis";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self> {
        let Settings { connection, prefix, database } = settings;
        if prefix.is_empty() || prefix.len() > PREFIX_MAX || prefix.contains(['{', '}']) || prefix.chars().any(char::is_control) {
            return Err(refused("prefix", "must be 1 to 200 bytes without `{` and `}`"));
        }
        if connection.is_empty() {
            return Err(refused("connection", "must be the name of a [[connection]] in the grant"));
        }
        Ok(Self { connection, tag: format!("{{{prefix}}}"), database: database.to_string(), looked: false })
    }

    fn claims(&self) -> Claims {
        Claims::new().shared().atomic_remove_if_match()
    }

    fn health(&mut self) -> Result<()> {
        match self.ask(&[b"PING"])? {
            Reply::Simple(pong) if pong == "PONG" => {}
            other => return Err(other.unexpected("PING")),
        }
        if !self.looked {
            self.looked = true;
            self.look_at_durability();
        }
        Ok(())
    }
}

// ---- Asking the server --------------------------------------------------------------------------------------------------

impl RedisDriver {
    /// One command, one reply, on a connection that is given back if all went well on it.
    fn ask(&self, words: &[&[u8]]) -> Result<Reply> {
        let mut connection = Connection::open(&self.connection)?;
        connection.write(&resp::command(words))?;
        let reply = resp::reply(&mut connection)?;
        connection.give_back()?;
        match reply {
            Reply::Error(message) => Err(errors::error(&message)),
            reply => Ok(reply),
        }
    }

    /// A command that reads, in the database of the settings. Connections are shared, and stay in database 0: a script can be in
    /// another for itself alone.
    fn read(&self, words: &[&[u8]]) -> Result<Reply> {
        if self.database == "0" {
            return self.ask(words);
        }
        let head: [&[u8]; 4] = [b"EVAL", scripts::IN_DATABASE.as_bytes(), b"0", self.database.as_bytes()];
        self.ask(&[&head, words].concat())
    }

    /// A script that writes the value under `key` and the index; answers whether its condition held.
    fn write(&self, script: &str, key: &Key, words: &[&[u8]], condition: &Condition) -> Result<()> {
        let (value, index) = (self.value(key), self.index());
        let (asked, etag) = match condition {
            Condition::Unconditional => ("", ""),
            Condition::IfAbsent => ("absent", ""),
            Condition::IfMatch(etag) => ("match", etag.as_str()),
        };
        let head = ["EVAL", script, "2", &value, &index, &self.database, key.as_str(), asked, etag].map(str::as_bytes);
        match self.ask(&[&head, words].concat())? {
            Reply::Simple(done) if done == "OK" => Ok(()),
            Reply::Simple(refusal) if refusal == "PRESENT" => Err(Error::already_exists(key)),
            Reply::Simple(refusal) if refusal == "CHANGED" => Err(Error::precondition_failed(key)),
            other => Err(other.unexpected("EVAL")),
        }
    }

    fn value(&self, key: &Key) -> String {
        format!("{}:value:{key}", self.tag)
    }

    fn index(&self) -> String {
        format!("{}:keys", self.tag)
    }

    /// Says in the log where the server could lose what it has answered. Whoever may not read its configuration is told nothing.
    fn look_at_durability(&self) {
        let wanted = [
            ("appendonly", "yes", "nothing that was written since its last snapshot survives a crash of the server"),
            ("appendfsync", "always", "the last second of writes may be lost with the server's machine"),
            ("maxmemory-policy", "noeviction", "the server may drop values when its memory is full"),
        ];
        for (name, good, otherwise) in wanted {
            let told = self.ask(&[b"CONFIG", b"GET", name.as_bytes()]).and_then(|reply| reply.texts("CONFIG"));
            let Ok(Some(value)) = told.map(|pair| pair.into_iter().nth(1)) else { continue };
            if value != good {
                system::log(system::Level::Warn, &format!("the Redis server has `{name} {value}`, not `{good}`: {otherwise}"));
            }
        }
    }
}

// ---- Small values -------------------------------------------------------------------------------------------------------

impl AtomicStore for RedisDriver {
    fn get(&mut self, key: &Key) -> Result<Value> {
        let reply = self.read(&[b"HMGET", self.value(key).as_bytes(), b"etag", b"data"])?;
        match <[Option<Vec<u8>>; 2]>::try_from(reply.bulks("HMGET")?) {
            Ok([Some(etag), Some(data)]) => {
                let etag = String::from_utf8(etag).map_err(|_| Error::corrupted(format!("the etag of {key} is no text")))?;
                Ok(Value { data, etag })
            }
            Ok([None, None]) => Err(Error::not_found(key)),
            _ => Err(Error::corrupted(format!("the hash of {key} has not just `etag` and `data`"))),
        }
    }

    fn put(&mut self, key: &Key, data: &[u8], condition: Condition) -> Result<String> {
        let etag = system::random_hex(16);
        self.write(scripts::PUT, key, &[etag.as_bytes(), data], &condition)?;
        Ok(etag)
    }

    fn remove(&mut self, key: &Key, condition: Condition) -> Result<()> {
        if condition == Condition::IfAbsent {
            return Err(Error::invalid_argument("what is absent cannot be removed"));
        }
        self.write(scripts::REMOVE, key, &[], &condition)
    }

    fn list(&mut self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let limit = limit.min(PAGE_MAX) as usize;
        let (first, last) = bounds(prefix, start_after);
        // One more than asked for says whether more follow.
        let reply = self.read(&[b"ZRANGEBYLEX", self.index().as_bytes(), &first, &last, b"LIMIT", b"0", (limit + 1).to_string().as_bytes()])?;
        let mut keys = reply.texts("ZRANGEBYLEX")?;
        let more = keys.len() > limit;
        keys.truncate(limit);
        Ok(Keys { keys, more })
    }

    fn count(&mut self, prefix: &str) -> Result<u64> {
        let (first, last) = bounds(prefix, None);
        match self.read(&[b"ZLEXCOUNT", self.index().as_bytes(), &first, &last])? {
            Reply::Integer(count) => u64::try_from(count).map_err(|_| Error::internal("Redis counts less than nothing")),
            other => Err(other.unexpected("ZLEXCOUNT")),
        }
    }
}

/// Where the keys that begin with `prefix` and come after `start_after` begin and end, as Redis writes it: `[` takes the bound in, `(`
/// does not.
fn bounds(prefix: &str, start_after: Option<&str>) -> (Vec<u8>, Vec<u8>) {
    let first = match start_after {
        Some(after) if after >= prefix => format!("({after}"),
        _ => format!("[{prefix}"),
    };
    // No key has this byte.
    let last = [b"(", prefix.as_bytes(), b"\xff"].concat();
    (first.into_bytes(), last)
}
