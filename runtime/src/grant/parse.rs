//! The tables of a grant file and of `cofferdam.toml`, typed.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::connection::connections;
use super::error::GrantError;
use super::fields::{Document, Field, Fields, read};
use super::{Access, DirectoryGrant, Grant, Limits, SettingValue, SpoolOptions};
use super::{http, socket};

const GRANT_KEYS: &[&str] = &["strict", "restart-empty", "settings", "directory", "http", "connection", "socket", "environment", "limits", "spool"];
const MOUNT_KEYS: &[&str] =
    &["driver", "pin", "strict", "restart-empty", "settings", "directory", "http", "connection", "socket", "environment", "limits", "spool"];
const DIRECTORY_KEYS: &[&str] = &["name", "host", "access", "wasi"];
const SPOOL_KEYS: &[&str] = &["memory", "directory", "disk"];
const LIMITS_KEYS: &[&str] = &[
    "memory",
    "table-elements",
    "instances",
    "handles",
    "cpu",
    "start",
    "no-progress",
    "calls-in-flight",
    "queue",
    "log-lines-per-second",
    "calls-per-instance",
    "idle",
];

/// The shortest time that can be limited: below it the engine's ticks do not tell times apart.
const TIME_MIN: Duration = Duration::from_millis(10);
/// The longest time that is a limit at all.
const TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// A mount as `cofferdam.toml` describes it: a grant, and the driver that it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct MountFile {
    /// The driver's `.wasm`: absolute.
    pub driver: Option<PathBuf>,
    /// The digest that the driver must have: `sha256:…`, not checked yet.
    pub pin: Option<String>,
    /// Everything else in the file.
    pub grant: Grant,
}

impl MountFile {
    /// Reads `file`.
    ///
    /// # Errors
    /// As [`Grant::from_file`].
    pub fn from_file(file: &Path) -> Result<Self, GrantError> {
        Self::parse(&read(file)?, file)
    }

    /// Reads `text`, which stands in `file`.
    ///
    /// # Errors
    /// As [`Grant::parse`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, GrantError> {
        Self::from_fields(&Document::parse(text, file)?.top(MOUNT_KEYS)?)
    }

    /// Reads the table `[mount.NAME]` of a file that has several mounts. The keys `others` are for whoever reads that file.
    ///
    /// # Errors
    /// As [`Grant::parse`].
    pub fn from_table(field: &Field<'_, '_>, others: &[&'static str]) -> Result<Self, GrantError> {
        Self::from_fields(&field.table("in [mount.NAME]", &[MOUNT_KEYS, others].concat())?)
    }

    fn from_fields(top: &Fields<'_, '_>) -> Result<Self, GrantError> {
        Ok(Self {
            driver: top.get("driver").map(|field| field.path()).transpose()?,
            pin: top.get("pin").map(|field| field.text().map(str::to_owned)).transpose()?,
            grant: tables(top)?,
        })
    }
}

/// A grant file's text, typed.
pub(super) fn grant(text: &str, file: &Path) -> Result<Grant, GrantError> {
    tables(&Document::parse(text, file)?.top(GRANT_KEYS)?)
}

fn tables(top: &Fields<'_, '_>) -> Result<Grant, GrantError> {
    Ok(Grant {
        settings: settings(top.get("settings"))?,
        directories: directories(top.get("directory"))?,
        connections: connections(top.get("connection"))?,
        http: http::rules(top.get("http"))?,
        sockets: socket::rules(top.get("socket"))?,
        environment: environment(top.get("environment"))?,
        strict: boolean(top, "strict")?,
        restart_empty: boolean(top, "restart-empty")?,
        limits: limits(top.get("limits"))?,
        spool: spool(top.get("spool"))?,
    })
}

fn boolean(fields: &Fields<'_, '_>, key: &str) -> Result<bool, GrantError> {
    fields.get(key).map_or(Ok(false), |field| field.boolean())
}

fn settings(field: Option<Field<'_, '_>>) -> Result<BTreeMap<String, SettingValue>, GrantError> {
    let Some(field) = field else { return Ok(BTreeMap::new()) };
    let expected = "text, an integer or a boolean";
    let value = |field: &Field<'_, '_>| match field.value() {
        DeValue::String(text) => Ok(SettingValue::Text(text.clone().into_owned())),
        DeValue::Boolean(truth) => Ok(SettingValue::Boolean(*truth)),
        DeValue::Integer(_) => field.integer(expected).map(SettingValue::Integer),
        _ => Err(field.wrong_type(expected)),
    };
    field.entries("in [settings]")?.map(|entry| Ok((entry.key().to_owned(), value(&entry)?))).collect()
}

fn environment(field: Option<Field<'_, '_>>) -> Result<BTreeMap<String, String>, GrantError> {
    let Some(field) = field else { return Ok(BTreeMap::new()) };
    let entry = |entry: Field<'_, '_>| {
        let value = entry.text()?;
        if entry.key().is_empty() || entry.key().contains(['=', '\0']) {
            return Err(entry.bad("is no name of a variable: it must not be empty or have a `=`"));
        }
        if value.contains('\0') {
            return Err(entry.bad("has a zero byte, which no variable can have"));
        }
        Ok((entry.key().to_owned(), value.to_owned()))
    };
    field.entries("in [environment]")?.map(entry).collect()
}

fn directories(field: Option<Field<'_, '_>>) -> Result<Vec<DirectoryGrant>, GrantError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let mut lines = HashMap::new();
    let mut directories = Vec::new();
    for fields in field.tables("in [[directory]]", DIRECTORY_KEYS)? {
        let name = fields.require("name", "name = \"/data\"")?;
        let directory = DirectoryGrant {
            name: directory_name(&name)?,
            host: fields.require("host", "host = \"./data\"")?.path()?,
            access: fields
                .require("access", "access = \"read-write\" or \"read-only\"")?
                .one_of(&[("read-only", Access::ReadOnly), ("read-write", Access::ReadWrite)])?,
            wasi: boolean(&fields, "wasi")?,
        };
        let place = name.place();
        if let Some(first) = lines.insert(directory.name.clone(), place.line) {
            return Err(GrantError::DuplicateDirectory { place, name: directory.name, first });
        }
        directories.push(directory);
    }
    Ok(directories)
}

fn directory_name(field: &Field<'_, '_>) -> Result<String, GrantError> {
    let name = field.text()?;
    let clean = |component: &str| !matches!(component, "" | "." | "..") && !component.contains('\0');
    match name.strip_prefix('/') {
        Some(rest) if rest.is_empty() || rest.split('/').all(clean) => Ok(name.to_owned()),
        _ => Err(field.bad(format!("is {name:?} but must be an absolute path without `.`, `..`, `//` or a `/` at its end, such as \"/data\""))),
    }
}

fn limits(field: Option<Field<'_, '_>>) -> Result<Limits, GrantError> {
    let mut limits = Limits::default();
    let Some(field) = field else { return Ok(limits) };
    let fields = field.table("in [limits]", LIMITS_KEYS)?;
    let count = |key, range: RangeInclusive<u32>, target: &mut u32| -> Result<(), GrantError> {
        if let Some(field) = fields.get(key) {
            *target = field.small_count(range)?;
        }
        Ok(())
    };
    let time = |key, target: &mut Duration| -> Result<(), GrantError> {
        if let Some(field) = fields.get(key) {
            *target = field.duration(TIME_MIN..=TIME_MAX)?;
        }
        Ok(())
    };
    if let Some(field) = fields.get("memory") {
        // One page of WebAssembly at least, and what 32 bits can address at most.
        limits.memory = field.size(64 << 10..=4 << 30)?;
    }
    if let Some(field) = fields.get("calls-per-instance") {
        limits.calls_per_instance = field.count(1..=i64::MAX as u64)?;
    }
    count("table-elements", 1..=10_000_000, &mut limits.table_elements)?;
    count("instances", 1..=1000, &mut limits.instances)?;
    count("handles", 1..=1_000_000, &mut limits.handles)?;
    count("calls-in-flight", 1..=1000, &mut limits.calls_in_flight)?;
    count("queue", 0..=1_000_000, &mut limits.queue)?;
    count("log-lines-per-second", 0..=1_000_000, &mut limits.log_lines_per_second)?;
    time("cpu", &mut limits.cpu)?;
    time("start", &mut limits.start)?;
    time("no-progress", &mut limits.no_progress)?;
    time("idle", &mut limits.idle)?;
    Ok(limits)
}

fn spool(field: Option<Field<'_, '_>>) -> Result<SpoolOptions, GrantError> {
    let mut spool = SpoolOptions::default();
    let Some(field) = field else { return Ok(spool) };
    let fields = field.table("in [spool]", SPOOL_KEYS)?;
    if let Some(field) = fields.get("memory") {
        spool.memory = field.size(0..=1 << 40)?;
    }
    if let Some(field) = fields.get("disk") {
        spool.disk = field.size(0..=1 << 50)?;
    }
    spool.directory = fields.get("directory").map(|field| field.path()).transpose()?;
    Ok(spool)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
