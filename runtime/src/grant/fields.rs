//! Values of a TOML table, each with its place in the file: for whoever reads a file that has mounts in it.
//!
//! ```
//! use cofferdam::grant::fields::Document;
//!
//! let document = Document::parse("idle = \"5 min\"", "server.toml".as_ref())?;
//! let top = document.top(&["idle"])?;
//! let idle = top.require("idle", "idle = \"1 min\"")?.duration(std::time::Duration::ZERO..=std::time::Duration::from_secs(3600))?;
//! assert_eq!(idle.as_secs(), 300);
//! # Ok::<(), cofferdam::GrantError>(())
//! ```

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{GrantError, Place};
use super::nearest::hint;

/// What the top level of a file is called in errors.
const TOP: &str = "at the top level";

/// A TOML file, parsed.
pub struct Document<'a> {
    source: Source<'a>,
    table: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Parses `text`, which stands in `file`: its name is in every error, and paths are relative to it.
    ///
    /// # Errors
    /// [`GrantError::Syntax`] for what is not TOML.
    pub fn parse(text: &'a str, file: &'a Path) -> Result<Self, GrantError> {
        let source = Source { file, text };
        Ok(Self { source, table: source.parse()? })
    }

    /// The top level, all of whose keys are in `known`.
    ///
    /// # Errors
    /// Its first key that is not in `known`.
    pub fn top(&self, known: &[&'static str]) -> Result<Fields<'_, 'a>, GrantError> {
        Fields::new(self.source, TOP, known, &self.table, 0..0)
    }
}

/// The text of `file`.
///
/// # Errors
/// [`GrantError::Unreadable`].
pub fn read(file: &Path) -> Result<String, GrantError> {
    std::fs::read_to_string(file).map_err(|source| GrantError::Unreadable { file: file.to_owned(), source })
}

/// A TOML text and where it stands.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The text's tables.
    fn parse(self) -> Result<DeTable<'a>, GrantError> {
        DeTable::parse(self.text).map(Spanned::into_inner).map_err(|error| GrantError::Syntax {
            place: self.place(error.span().unwrap_or(0..0)),
            message: error.message().split('\n').map(str::trim).collect::<Vec<_>>().join(", "),
        })
    }

    /// Line and column of where `span` begins.
    fn place(self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place { file: self.file.to_owned(), line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// The values of one table whose keys are all known.
#[derive(Clone)]
pub struct Fields<'t, 'a> {
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
    fn new(source: Source<'a>, title: &'static str, known: &[&'static str], table: &'t DeTable<'a>, at: Range<usize>) -> Result<Self, GrantError> {
        for key in table.keys() {
            let (name, place) = (key.get_ref().as_ref(), source.place(key.span()));
            if known.contains(&name) {
                continue;
            }
            let key = name.to_owned();
            let hint = hint(name, known.iter().copied(), "keys");
            return Err(GrantError::UnknownKey { place, key, table: title, hint });
        }
        Ok(Self { source, title, table, at })
    }

    /// The error that the table, as a whole, has a `problem` that its `key` would solve.
    pub fn bad(&self, key: &str, problem: impl Into<String>) -> GrantError {
        GrantError::BadValue { place: self.source.place(self.at.clone()), key: key.to_owned(), table: self.title, problem: problem.into() }
    }

    /// The value of `key`, if the table has one.
    pub fn get(&self, key: &str) -> Option<Field<'t, 'a>> {
        self.all().find(|field| field.key == key)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`GrantError::MissingKey`] with the line `example`.
    pub fn require(&self, key: &'static str, example: &'static str) -> Result<Field<'t, 'a>, GrantError> {
        self.get(key).ok_or_else(|| GrantError::MissingKey { place: self.source.place(self.at.clone()), key, table: self.title, example })
    }

    fn all(&self) -> impl Iterator<Item = Field<'t, 'a>> + use<'t, 'a> {
        let (source, title) = (self.source, self.title);
        self.table.iter().map(move |(key, value)| Field { source, title, key: key.get_ref(), value })
    }
}

/// One value, its key, and where it stands.
#[derive(Clone, Copy)]
pub struct Field<'t, 'a> {
    source: Source<'a>,
    title: &'static str,
    key: &'t str,
    value: &'t Spanned<DeValue<'a>>,
}

impl<'t, 'a> Field<'t, 'a> {
    /// The key.
    pub fn key(&self) -> &'t str {
        self.key
    }

    /// The value as TOML has it.
    pub(super) fn value(&self) -> &'t DeValue<'a> {
        self.value.get_ref()
    }

    /// Where the value stands.
    pub fn place(&self) -> Place {
        self.source.place(self.value.span())
    }

    /// The error that the value is not `expected`.
    pub fn wrong_type(&self, expected: impl Into<String>) -> GrantError {
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
    pub fn bad(&self, problem: impl Into<String>) -> GrantError {
        GrantError::BadValue { place: self.place(), key: self.key.to_owned(), table: self.title, problem: problem.into() }
    }

    fn out_of_range(&self, value: impl std::fmt::Display, least: impl std::fmt::Display, most: impl std::fmt::Display) -> GrantError {
        self.bad(format!("is {value} but must be between {least} and {most}"))
    }

    /// The value as text.
    ///
    /// # Errors
    /// [`GrantError::WrongType`].
    pub fn text(&self) -> Result<&'t str, GrantError> {
        self.value().as_str().ok_or_else(|| self.wrong_type("text in quotes"))
    }

    /// The value as a boolean.
    ///
    /// # Errors
    /// [`GrantError::WrongType`].
    pub fn boolean(&self) -> Result<bool, GrantError> {
        self.value().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// The value as one of `words`, with what each means.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::BadValue`] that lists the words.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, GrantError> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let allowed: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.bad(format!("is {text:?} but must be {}", allowed.join(" or ")))
        })
    }

    /// The value as an integer, `expected` in words.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::BadValue`] over 64 bits.
    pub fn integer(&self, expected: &str) -> Result<i64, GrantError> {
        let number = self.value().as_integer().ok_or_else(|| self.wrong_type(expected))?;
        i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| self.bad("is too large a number"))
    }

    /// A count within `range`.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::BadValue`] out of the range.
    pub fn count(&self, range: RangeInclusive<u64>) -> Result<u64, GrantError> {
        let number = self.integer("a whole number")?;
        u64::try_from(number).ok().filter(|n| range.contains(n)).ok_or_else(|| self.out_of_range(number, range.start(), range.end()))
    }

    /// [`Field::count`] of a smaller type.
    ///
    /// # Errors
    /// As [`Field::count`].
    pub fn small_count(&self, range: RangeInclusive<u32>) -> Result<u32, GrantError> {
        let number = self.count(u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(number).map_err(|_| self.out_of_range(number, range.start(), range.end()))
    }

    /// Bytes within `range`: `"256 MiB"`, or a whole number.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::BadValue`] out of the range.
    pub fn size(&self, range: RangeInclusive<u64>) -> Result<u64, GrantError> {
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
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::BadValue`] out of the range.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Result<Duration, GrantError> {
        let expected = "a duration such as \"5s\" or \"500ms\"";
        let text = self.value().as_str().ok_or_else(|| self.wrong_type(expected))?;
        let signed: SignedDuration = text.parse().map_err(|_| self.bad(format!("is {text:?} but must be {expected}")))?;
        Duration::try_from(signed).ok().filter(|duration| range.contains(duration)).ok_or_else(|| {
            let shown = |duration: &Duration| SignedDuration::try_from(*duration).map_or_else(|_| format!("{duration:?}"), |d| format!("{d:#}"));
            self.out_of_range(format!("{signed:#}"), shown(range.start()), shown(range.end()))
        })
    }

    /// A path of the host, relative to the file.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::BadValue`] for an empty one.
    pub fn path(&self) -> Result<PathBuf, GrantError> {
        let text = self.text()?;
        if text.is_empty() || text.contains('\0') {
            return Err(self.bad("is empty but must be a path, relative to this file"));
        }
        let base = self.source.file.parent().unwrap_or(Path::new(""));
        std::path::absolute(base.join(text)).map_err(|error| self.bad(format!("is no usable path: {error}")))
    }

    /// A table below this one, all of whose keys are in `known`.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::UnknownKey`].
    pub fn table(&self, title: &'static str, known: &[&'static str]) -> Result<Fields<'t, 'a>, GrantError> {
        let table = self.value().as_table().ok_or_else(|| self.wrong_type(format!("a table, [{}]", self.key)))?;
        Fields::new(self.source, title, known, table, self.value.span())
    }

    /// A table whose keys are the user's own.
    ///
    /// # Errors
    /// [`GrantError::WrongType`].
    pub fn entries(&self, title: &'static str) -> Result<impl Iterator<Item = Field<'t, 'a>>, GrantError> {
        let table = self.value().as_table().ok_or_else(|| self.wrong_type(format!("a table, [{}]", self.key)))?;
        Ok(Fields { source: self.source, title, table, at: self.value.span() }.all())
    }

    /// An array of tables, with the place of each.
    ///
    /// # Errors
    /// [`GrantError::WrongType`], or [`GrantError::UnknownKey`].
    pub fn tables(&self, title: &'static str, known: &[&'static str]) -> Result<Vec<Fields<'t, 'a>>, GrantError> {
        let expected = || self.wrong_type(format!("tables, [[{}]]", self.key));
        let array = self.value().as_array().ok_or_else(expected)?;
        let one = |item: &'t Spanned<DeValue<'a>>| {
            let table = item.get_ref().as_table().ok_or_else(expected)?;
            Fields::new(self.source, title, known, table, item.span())
        };
        array.iter().map(one).collect()
    }

    /// The values of an array, `expected` in words.
    ///
    /// # Errors
    /// [`GrantError::WrongType`].
    pub fn items(&self, expected: &str) -> Result<impl Iterator<Item = Self>, GrantError> {
        let array = self.value().as_array().ok_or_else(|| self.wrong_type(expected))?;
        let (source, title, key) = (self.source, self.title, self.key);
        Ok(array.iter().map(move |value| Self { source, title, key, value }))
    }
}
