//! What a certifier tells its second process, and what that answers: one JSON value a line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use cofferdam::{Access, Condition, ConnectionGrant, DirectoryGrant, Etag, Grant, HttpRule, SettingValue, SocketRule};
use serde::{Deserialize, Serialize};

use crate::data::Data;

/// Something to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Mount the driver with this grant.
    Open(PlainGrant),
    /// Store an object; answers its etag.
    Put { path: String, data: Data },
    /// Store a value; answers its etag.
    PutValue { key: String, data: Data },
    /// Store all of these at one path at once; answers how many succeeded.
    RacePut { path: String, condition: PlainCondition, tries: Vec<Data> },
    /// Count up by compare and swap.
    Increment { key: String, writers: u32, times: u32 },
    /// Begin an upload; answers its token.
    CreateUpload { path: String },
    /// Write a part; answers its id.
    WritePart { token: String, number: u32, offset: u64, writer: u64, data: Data },
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It was done.
    Done(String),
    /// It was refused.
    Refused { kind: String, message: String },
}

/// A condition as it crosses the pipe.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum PlainCondition {
    IfAbsent,
    IfMatch(String),
}

impl From<PlainCondition> for Condition {
    fn from(condition: PlainCondition) -> Self {
        match condition {
            PlainCondition::IfAbsent => Self::IfAbsent,
            PlainCondition::IfMatch(etag) => Self::IfMatch(Etag(etag)),
        }
    }
}

/// A grant as it crosses the pipe. The spool stays at its default: workers hold little.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlainGrant {
    settings: BTreeMap<String, PlainSetting>,
    directories: Vec<PlainDirectory>,
    connections: Vec<ConnectionGrant>,
    http: Vec<HttpRule>,
    sockets: Vec<SocketRule>,
    environment: BTreeMap<String, String>,
    strict: bool,
    restart_empty: bool,
    limits: PlainLimits,
}

#[derive(Debug, Serialize, Deserialize)]
enum PlainSetting {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Untyped(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct PlainDirectory {
    name: String,
    host: PathBuf,
    writable: bool,
    wasi: bool,
}

/// Those of the limits that decide whether a driver runs at all.
#[derive(Debug, Serialize, Deserialize)]
struct PlainLimits {
    memory: u64,
    table_elements: u32,
    instances: u32,
    cpu: Duration,
    start: Duration,
    no_progress: Duration,
}

impl From<&Grant> for PlainGrant {
    fn from(grant: &Grant) -> Self {
        let setting = |value: &SettingValue| match value {
            SettingValue::Text(text) => PlainSetting::Text(text.clone()),
            SettingValue::Integer(number) => PlainSetting::Integer(*number),
            SettingValue::Boolean(truth) => PlainSetting::Boolean(*truth),
            SettingValue::Untyped(text) => PlainSetting::Untyped(text.clone()),
        };
        let directory = |directory: &DirectoryGrant| PlainDirectory {
            name: directory.name.clone(),
            host: directory.host.clone(),
            writable: directory.access == Access::ReadWrite,
            wasi: directory.wasi,
        };
        let limits = &grant.limits;
        Self {
            settings: grant.settings.iter().map(|(name, value)| (name.clone(), setting(value))).collect(),
            directories: grant.directories.iter().map(directory).collect(),
            connections: grant.connections.clone(),
            http: grant.http.clone(),
            sockets: grant.sockets.clone(),
            environment: grant.environment.clone(),
            strict: grant.strict,
            restart_empty: grant.restart_empty,
            limits: PlainLimits {
                memory: limits.memory,
                table_elements: limits.table_elements,
                instances: limits.instances,
                cpu: limits.cpu,
                start: limits.start,
                no_progress: limits.no_progress,
            },
        }
    }
}

impl From<PlainGrant> for Grant {
    fn from(plain: PlainGrant) -> Self {
        let setting = |value| match value {
            PlainSetting::Text(text) => SettingValue::Text(text),
            PlainSetting::Integer(number) => SettingValue::Integer(number),
            PlainSetting::Boolean(truth) => SettingValue::Boolean(truth),
            PlainSetting::Untyped(text) => SettingValue::Untyped(text),
        };
        let directory = |plain: PlainDirectory| DirectoryGrant {
            name: plain.name,
            host: plain.host,
            access: if plain.writable { Access::ReadWrite } else { Access::ReadOnly },
            wasi: plain.wasi,
        };
        let mut grant = Self {
            settings: plain.settings.into_iter().map(|(name, value)| (name, setting(value))).collect(),
            directories: plain.directories.into_iter().map(directory).collect(),
            connections: plain.connections,
            http: plain.http,
            sockets: plain.sockets,
            environment: plain.environment,
            strict: plain.strict,
            restart_empty: plain.restart_empty,
            ..Self::default()
        };
        let PlainLimits { memory, table_elements, instances, cpu, start, no_progress } = plain.limits;
        grant.limits = cofferdam::Limits { memory, table_elements, instances, cpu, start, no_progress, ..grant.limits };
        grant
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_crosses_the_pipe_whole() {
        let mut grant = Grant::default();
        grant.settings.insert("shards".to_owned(), SettingValue::Integer(3));
        grant.settings.insert("root".to_owned(), SettingValue::Text("/data".to_owned()));
        grant.directories.push(DirectoryGrant { name: "/data".to_owned(), host: "/srv".into(), access: Access::ReadWrite, wasi: true });
        let mut connection = ConnectionGrant::new("backend", "server.example.com", 1);
        connection.addresses.push("10.0.0.0/8".parse().unwrap());
        grant.connections.push(connection);
        grant.sockets.push(SocketRule::parse("tcp://other.example.com:2").unwrap());
        grant.environment.insert("A".to_owned(), "b".to_owned());
        grant.limits.memory = 1 << 30;
        grant.strict = true;
        let line = serde_json::to_string(&PlainGrant::from(&grant)).unwrap();
        assert!(!line.contains('\n'));
        let back: PlainGrant = serde_json::from_str(&line).unwrap();
        assert!(Grant::from(back) == grant);
    }
}
