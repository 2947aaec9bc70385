//! Uploads: parts that are objects of their own, composed by the server, 32 at a time, under a condition. See `README.md` for why.

use cofferdam_guest::prelude::*;
use cofferdam_guest::web::uploads::check_joined;
use cofferdam_guest::web::{sized, unheld};
use serde_json::{Value, json};

use crate::errors::document;
use crate::objects::held_to;
use crate::parts::{Upload, part_name};
use crate::resources::Resource;
use crate::{GcsDriver, OBJECT_MAX, PARTS_MAX};

/// How many objects GCS composes at once.
const COMPOSED_MAX: usize = 32;

/// What is between the name of a part and its generation in its id.
const SEPARATOR: char = '.';

/// The id of the part that is the object `name`, in this generation.
pub(crate) fn part_id(name: &str, generation: &str) -> String {
    format!("{name}{SEPARATOR}{generation}")
}

impl Uploads for GcsDriver {
    fn create(&mut self, path: &StorePath) -> Result<String> {
        let upload = Upload::new();
        self.mark(&upload, path).map_err(|error| unheld(error, &Condition::Unconditional, path))?;
        Ok(upload.token())
    }

    fn write_part(&mut self, token: &str, part: Part, content: Content) -> Result<String> {
        let upload = Upload::of_token(token)?;
        if !(1..=PARTS_MAX).contains(&part.number) {
            return Err(Error::invalid_argument(format!("the number of a part is from 1 to {PARTS_MAX}, not {}", part.number)));
        }
        sized(&content, OBJECT_MAX)?;
        let name = part_name(&part);
        let object = self.within(&upload, &name);
        let made = self.insert(&object, &content, &Condition::Unconditional, "a part")?;
        // Asked afterwards: whoever ends the upload removes what is there by then, and what comes later removes itself.
        if let Err(error) = self.check_marked(&upload) {
            if error.kind == ErrorKind::UploadExpired {
                self.remove_object(&object, "a part")?;
            }
            return Err(error);
        }
        Ok(part_id(&name, &made.generation))
    }

    fn complete(&mut self, token: &str, mut parts: Vec<WrittenPart>, destination: &StorePath, condition: Condition) -> Result<ObjectInfo> {
        let upload = Upload::of_token(token)?;
        if matches!(condition, Condition::IfMatch(_)) {
            return Err(Error::unsupported("an upload completes unconditionally or with `if-absent`"));
        }
        parts.sort_by_key(|part| part.number);
        check_joined(&parts, 0)?;
        let sources = parts.iter().map(|part| self.source(&upload, part)).collect::<Result<Vec<_>>>()?;
        self.check_marked(&upload)?;
        let made = match self.compose_all(&upload, sources, destination, &condition) {
            Err(error) => return Err(self.uncomposed(error, &condition, destination)?),
            Ok(made) => made,
        };
        // The object is made: what is still there of the upload is removed by whoever looks for such.
        drop(self.end(&upload));
        Ok(made.info(destination.as_str()))
    }

    fn abort(&mut self, token: &str) -> Result<()> {
        self.end(&Upload::of_token(token)?)
    }
}

impl GcsDriver {
    /// A part as a source: exactly the version that was written.
    fn source(&self, upload: &Upload, part: &WrittenPart) -> Result<Value> {
        let WrittenPart { number, offset, writer, id, .. } = part;
        let name = part_name(&Part { number: *number, offset: *offset, writer: *writer });
        match id.split_once(SEPARATOR) {
            Some((named, generation)) if named == name && generation.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(source(&self.within(upload, &name), generation))
            }
            _ => Err(Error::invalid_argument(format!("part {number} was never written with this id"))),
        }
    }

    /// Composes `sources`, in rounds while there are too many, and at last at `destination`.
    fn compose_all(&self, upload: &Upload, mut sources: Vec<Value>, destination: &StorePath, condition: &Condition) -> Result<Resource> {
        let name = self.bucket.root().key(destination);
        if sources.is_empty() {
            return self.insert(&name, &Content::from_bytes(b""), condition, destination.as_str());
        }
        let mut round = 0;
        while sources.len() > COMPOSED_MAX {
            round += 1;
            let mut composed = Vec::new();
            for (index, group) in sources.chunks(COMPOSED_MAX).enumerate() {
                let between = self.within(upload, &format!("c{round}-{index}"));
                let made = self.compose(&between, group, &Condition::Unconditional)?;
                composed.push(source(&between, &made.generation));
            }
            sources = composed;
        }
        self.compose(&name, &sources, condition)
    }

    fn compose(&self, name: &str, sources: &[Value], condition: &Condition) -> Result<Resource> {
        let body = json!({ "sourceObjects": sources, "destination": { "contentType": "application/octet-stream" } }).to_string();
        let pairs: Vec<_> = held_to(condition).into_iter().collect();
        let request = Request::post(self.bucket.object(name, "/compose", &pairs)).header("content-type", "application/json");
        Resource::read(&document(request.send_with(&Content::from_bytes(body.as_bytes()))?, "a part")?)
    }

    /// Why nothing was composed: the condition does not hold, or a part is not what it was.
    fn uncomposed(&mut self, error: Error, condition: &Condition, destination: &StorePath) -> Result<Error> {
        if !matches!(error.kind, ErrorKind::PreconditionFailed | ErrorKind::NotFound) {
            return Ok(error);
        }
        if *condition == Condition::IfAbsent && self.stat(destination).found()?.is_some() {
            return Ok(Error { code: error.code, ..Error::already_exists(destination) });
        }
        Ok(Error { code: error.code, ..Error::invalid_argument("a part is not there, or was replaced since it was written") })
    }
}

fn source(name: &str, generation: &str) -> Value {
    json!({ "name": name, "objectPreconditions": { "ifGenerationMatch": generation } })
}
