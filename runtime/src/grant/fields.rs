//! Values of a TOML table, each with its place in the file.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{GrantError, Place};
use super::nearest::hint;

/// A TOML text and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// The text's tables.
    pub(super) fn parse(self) -> Result<DeTable<'a>, GrantError> {
        DeTable::parse(self.text).map(Spanned::into_inner).map_err(|error| GrantError::Syntax {
            place: self.place(error.span().unwrap_or(0..0)),
            message: error.message().split('\n').map(str::trim).collect::<Vec<_>>().join(", "),
        })
    }

    /// Line and column of where `span` begins.
    pub(super) fn place(self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place { file: self.file.to_owned(), line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// The values of one table whose keys are all known.
pub(super) struct Fields<'t, 'a> {
    source: Source<'a>,
    title: &'static str,
    table: &'t DeTable<'a>,
    at: Range<usize>,
}

impl<'t, 'a> Fields<'t, 'a> {
    /// Takes `table`, called `title` in errors (`in [limits]`) and standing at `at`.
    ///
    /// # Errors
    /// Its first key that is not in `known`.
    pub(super) fn new(
        source: Source<'a>,
        title: &'static str,
        known: &[&'static str],
        table: &'t DeTable<'a>,
        at: Range<usize>,
    ) -> Result<Self, GrantError> {
        for key in table.keys() {
            let (name, place) = (key.get_ref().as_ref(), source.place(key.span()));
            if known.contains(&name) {
                continue;
            }
            let key = name.to_owned();
            if matches!(name, "http" | "connection") {
                return Err(GrantError::NoNetwork { place, key });
            }
            let hint = hint(name, known.iter().copied(), "keys");
            return Err(GrantError::UnknownKey { place, key, table: title, hint });
        }
        Ok(Self { source, title, table, at })
    }

    /// The value of `key`, if the table has one.
    pub(super) fn get(&self, key: &str) -> Option<Field<'t, 'a>> {
        self.all().find(|field| field.key == key)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`GrantError::MissingKey`] with the line `example`.
    pub(super) fn require(&self, key: &'static str, example: &'static str) -> Result<Field<'t, 'a>, GrantError> {
        self.get(key).ok_or_else(|| GrantError::MissingKey { place: self.source.place(self.at.clone()), key, table: self.title, example })
    }

    fn all(&self) -> impl Iterator<Item = Field<'t, 'a>> + use<'t, 'a> {
        let (source, title) = (self.source, self.title);
        self.table.iter().map(move |(key, value)| Field { source, title, key: key.get_ref(), value })
    }
}

/// One value, its key, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Field<'t, 'a> {
    source: Source<'a>,
    title: &'static str,
    key: &'t str,
    value: &'t Spanned<DeValue<'a>>,
}

impl<'t, 'a> Field<'t, 'a> {
    /// The key.
    pub(super) fn key(&self) -> &'t str {
        self.key
    }

    /// The value as TOML has it.
    pub(super) fn value(&self) -> &'t DeValue<'a> {
        self.value.get_ref()
    }

    /// Where the value stands.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.value.span())
    }

    /// The error that the value is not `expected`.
    pub(super) fn wrong_type(&self, expected: impl Into<String>) -> GrantError {
        let found = match self.value() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        GrantError::WrongType { place: self.place(), key: self.key.to_owned(), table: self.title, expected: expected.into(), found }
    }

    /// The error that the value has a `problem`.
    pub(super) fn bad(&self, problem: impl Into<String>) -> GrantError {
        GrantError::BadValue { place: self.place(), key: self.key.to_owned(), table: self.title, problem: problem.into() }
    }

    fn out_of_range(&self, value: impl std::fmt::Display, least: impl std::fmt::Display, most: impl std::fmt::Display) -> GrantError {
        self.bad(format!("is {value} but must be between {least} and {most}"))
    }

    /// The value as text.
    pub(super) fn text(&self) -> Result<&'t str, GrantError> {
        self.value().as_str().ok_or_else(|| self.wrong_type("text in quotes"))
    }

    /// The value as a boolean.
    pub(super) fn boolean(&self) -> Result<bool, GrantError> {
        self.value().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// The value as one of `words`, with what each means.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, GrantError> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let allowed: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.bad(format!("is {text:?} but must be {}", allowed.join(" or ")))
        })
    }

    /// The value as an integer, `expected` in words.
    pub(super) fn integer(&self, expected: &str) -> Result<i64, GrantError> {
        let number = self.value().as_integer().ok_or_else(|| self.wrong_type(expected))?;
        i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| self.bad("is too large a number"))
    }

    /// A count within `range`.
    pub(super) fn count(&self, range: RangeInclusive<u64>) -> Result<u64, GrantError> {
        let number = self.integer("a whole number")?;
        u64::try_from(number).ok().filter(|n| range.contains(n)).ok_or_else(|| self.out_of_range(number, range.start(), range.end()))
    }

    /// [`Field::count`] of a smaller type.
    pub(super) fn small_count(&self, range: RangeInclusive<u32>) -> Result<u32, GrantError> {
        let number = self.count(u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(number).map_err(|_| self.out_of_range(number, range.start(), range.end()))
    }

    /// Bytes within `range`: `"256 MiB"`, or a whole number.
    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Result<u64, GrantError> {
        let expected = "a size such as \"256 MiB\"";
        let size = match self.value() {
            DeValue::String(text) => text.parse::<ByteSize>().map_err(|_| self.bad(format!("is {text:?} but must be {expected}")))?.as_u64(),
            _ => {
                let number = self.integer(expected)?;
                u64::try_from(number).map_err(|_| self.bad(format!("is {number} but must be {expected}")))?
            }
        };
        if range.contains(&size) {
            return Ok(size);
        }
        Err(self.out_of_range(ByteSize(size), ByteSize(*range.start()), ByteSize(*range.end())))
    }

    /// A duration within `range`: `"500ms"`, `"1 min"`.
    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Result<Duration, GrantError> {
        let expected = "a duration such as \"5s\" or \"500ms\"";
        let text = self.value().as_str().ok_or_else(|| self.wrong_type(expected))?;
        let signed: SignedDuration = text.parse().map_err(|_| self.bad(format!("is {text:?} but must be {expected}")))?;
        Duration::try_from(signed).ok().filter(|duration| range.contains(duration)).ok_or_else(|| {
            let shown = |duration: &Duration| SignedDuration::try_from(*duration).map_or_else(|_| format!("{duration:?}"), |d| format!("{d:#}"));
            self.out_of_range(format!("{signed:#}"), shown(range.start()), shown(range.end()))
        })
    }

    /// A path of the host, relative to the file.
    pub(super) fn path(&self) -> Result<PathBuf, GrantError> {
        let text = self.text()?;
        if text.is_empty() || text.contains('\0') {
            return Err(self.bad("is empty but must be a path, relative to this file"));
        }
        let base = self.source.file.parent().unwrap_or(Path::new(""));
        std::path::absolute(base.join(text)).map_err(|error| self.bad(format!("is no usable path: {error}")))
    }

    /// A table below this one, all of whose keys are in `known`.
    pub(super) fn table(&self, title: &'static str, known: &[&'static str]) -> Result<Fields<'t, 'a>, GrantError> {
        let table = self.value().as_table().ok_or_else(|| self.wrong_type(format!("a table, [{}]", self.key)))?;
        Fields::new(self.source, title, known, table, self.value.span())
    }

    /// A table whose keys are the user's own.
    pub(super) fn entries(&self, title: &'static str) -> Result<impl Iterator<Item = Field<'t, 'a>>, GrantError> {
        let table = self.value().as_table().ok_or_else(|| self.wrong_type(format!("a table, [{}]", self.key)))?;
        Ok(Fields { source: self.source, title, table, at: self.value.span() }.all())
    }

    /// An array of tables, with the place of each.
    pub(super) fn tables(&self, title: &'static str, known: &[&'static str]) -> Result<Vec<Fields<'t, 'a>>, GrantError> {
        let expected = || self.wrong_type(format!("tables, [[{}]]", self.key));
        let array = self.value().as_array().ok_or_else(expected)?;
        let one = |item: &'t Spanned<DeValue<'a>>| {
            let table = item.get_ref().as_table().ok_or_else(expected)?;
            Fields::new(self.source, title, known, table, item.span())
        };
        array.iter().map(one).collect()
    }
}
