//! Parts: objects of their own until they are composed, beside a marker that says the upload is not over; finding them, cleaning up.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::malformed;
use cofferdam_guest::web::uploads::{not_a_token, sealed, unsealed};

use crate::GcsDriver;
use crate::lists::FIELDS;
use crate::resources::{Resource, items, next_token, prefixes};

/// Where uploads are, below the root: no path has this name. Each has a folder of its own.
const UPLOADS: &str = "+cofferdam/uploads/";

/// The marker of an upload, in its folder.
const MARKER: &str = "begun";

/// What this form of a token begins with: another form will begin with another number.
const VERSION: &str = "1:";

/// How many hexadecimal digits of an upload's name are the second in which it was begun.
const TIME_DIGITS: usize = 10;

/// How many the name of an upload has.
const DIGITS: usize = TIME_DIGITS + 16;

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Upload(String);

impl Upload {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self(format!("{:010x}{}", system::now() / 1_000_000_000, system::random_hex(8)))
    }

    /// Its token: it says no path, for parts can be composed at any.
    pub(crate) fn token(&self) -> String {
        sealed(&format!("{VERSION}{}", self.0))
    }

    /// Reads what [`Upload::token`] wrote.
    ///
    /// # Errors
    /// `invalid-argument` for what is none.
    pub(crate) fn of_token(token: &str) -> Result<Self> {
        unsealed(token).and_then(|told| told.strip_prefix(VERSION)).and_then(Self::of_name).ok_or_else(not_a_token)
    }

    fn of_name(name: &str) -> Option<Self> {
        (name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(name.to_owned()))
    }

    /// When it was begun.
    fn created(&self) -> Option<u64> {
        u64::from_str_radix(&self.0[..TIME_DIGITS], 16).ok().and_then(|seconds| seconds.checked_mul(1_000_000_000))
    }
}

/// What the object of a part is called in the folder of its upload: it says all of the part.
pub(crate) fn part_name(part: &Part) -> String {
    format!("p{:08x}{:016x}{:016x}", part.number, part.offset, part.writer)
}

/// Reads what [`part_name`] wrote.
fn part(name: &str) -> Option<Part> {
    let digits = name.strip_prefix('p').filter(|digits| digits.len() == 40 && digits.is_ascii())?;
    let number = |from: usize, to: usize| u64::from_str_radix(&digits[from..to], 16).ok();
    Some(Part { number: u32::try_from(number(0, 8)?).ok()?, offset: number(8, 24)?, writer: number(24, 40)? })
}

impl GcsDriver {
    /// The name of what is in the folder of an upload.
    pub(crate) fn within(&self, upload: &Upload, name: &str) -> String {
        self.bucket.root().key(format!("{UPLOADS}{}/{name}", upload.0))
    }

    /// Makes the marker of an upload to `path`.
    pub(crate) fn mark(&self, upload: &Upload, path: &StorePath) -> Result<()> {
        // For people who look into the bucket.
        let content = Content::from_bytes(path.as_str().as_bytes());
        self.insert(&self.within(upload, MARKER), &content, &Condition::IfAbsent, path.as_str()).map(drop)
    }

    /// Checks that an upload has not come to its end.
    ///
    /// # Errors
    /// `upload-expired` if it has.
    pub(crate) fn check_marked(&self, upload: &Upload) -> Result<()> {
        let marker = self.resource(&self.within(upload, MARKER), "an upload").found()?;
        marker.map(drop).ok_or_else(Error::upload_expired)
    }

    /// Ends an upload: first its marker, so that a part which still arrives removes itself; then all that there is of it.
    pub(crate) fn end(&self, upload: &Upload) -> Result<()> {
        self.remove_object(&self.within(upload, MARKER), "an upload")?;
        for left in self.left(upload)? {
            self.remove_object(&left.name, "a part")?;
        }
        Ok(())
    }

    /// Everything in the folder of an upload.
    fn left(&self, upload: &Upload) -> Result<Vec<Resource>> {
        let (folder, mut found, mut token) = (self.within(upload, ""), Vec::new(), None::<String>);
        loop {
            let mut query = vec![("fields", FIELDS), ("prefix", folder.as_str())];
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let answer = self.bucket.list(&query, "a list of parts")?;
            found.append(&mut items(&answer)?);
            let next = next_token(&answer);
            match next {
                None => return Ok(found),
                // To ask the same again would never end.
                _ if next == token => return Err(malformed()),
                _ => token = next,
            }
        }
    }
}

impl UploadListing for GcsDriver {
    /// Also what is left of an upload that was completed by a process which died before it had cleaned up.
    fn find(&mut self, cursor: Option<&str>, limit: u32) -> Result<(Vec<Found>, Option<String>)> {
        let unknown = |_| Error::invalid_argument("the cursor is of no page of uploads");
        let last = cursor.map(Upload::of_token).transpose().map_err(unknown)?;
        let (uploads, limit) = (self.bucket.root().key(UPLOADS), limit.min(1000));
        let most = limit.to_string();
        // Right after the folder of the last.
        let start = last.as_ref().map(|last| format!("{uploads}{}0", last.0));
        let mut token = None::<String>;
        loop {
            let mut query = vec![("maxResults", most.as_str()), ("fields", FIELDS), ("prefix", &uploads), ("delimiter", "/")];
            query.extend(start.as_deref().map(|start| ("startOffset", start)));
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let answer = self.bucket.list(&query, "a list of uploads")?;
            let named = |name: &str| Upload::of_name(name.strip_prefix(&uploads)?.strip_suffix('/')?);
            let mut found: Vec<_> = prefixes(&answer).filter_map(named).filter(|upload| last.as_ref().is_none_or(|last| upload.0 > last.0)).collect();
            found.sort_by(|one, other| one.0.cmp(&other.0));
            let next = next_token(&answer);
            // Some servers answer all there are, whatever was asked.
            let more = next.is_some() || found.len() > limit as usize;
            found.truncate(limit as usize);
            if !found.is_empty() || next.is_none() {
                let cursor = found.last().filter(|_| more).map(Upload::token);
                return Ok((found.iter().map(|upload| Found { token: upload.token(), created: upload.created() }).collect(), cursor));
            }
            if next == token {
                return Err(malformed());
            }
            token = next;
        }
    }

    fn written(&mut self, token: &str) -> Result<Vec<FoundPart>> {
        let upload = Upload::of_token(token)?;
        self.check_marked(&upload)?;
        let folder = self.within(&upload, "");
        let written = |left: Resource| {
            let name = left.name.strip_prefix(&folder)?;
            let Part { number, .. } = part(name)?;
            Some(FoundPart { number, length: left.size, id: crate::uploads::part_id(name, &left.generation) })
        };
        let mut parts: Vec<_> = self.left(&upload)?.into_iter().filter_map(written).collect();
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_all_of_a_part() {
        let named = part_name(&Part { number: 17, offset: 5 << 40, writer: u64::MAX });
        let read = part(&named).map(|part| (part.number, part.offset, part.writer));
        assert_eq!(read, Some((17, 5 << 40, u64::MAX)));
        for name in ["", "begun", &named[1..], &named[..40], "c0", &format!("p{}", "ä".repeat(20))] {
            assert!(part(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_token_says_when_and_which() {
        let upload = Upload::of_name("006a1b2c3d0123456789abcdef").unwrap();
        assert_eq!(Upload::of_token(&upload.token()).unwrap(), upload);
        assert_eq!(upload.created(), Some(0x6a1b_2c3d_u64 * 1_000_000_000));
        for garbage in ["", "x", "../x", &upload.token()[1..], &format!("{}x", upload.token()), &sealed("1:../x"), &sealed("1:")] {
            assert_eq!(Upload::of_token(garbage).unwrap_err().kind, ErrorKind::InvalidArgument, "{garbage}");
        }
    }
}
