//! The checksum that goes with every body, which the host computes and the server compares.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cofferdam_guest::prelude::*;

/// Which checksum goes with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    Crc64,
    Md5,
    None,
}

impl Checksum {
    /// The checksum that the setting `checksum` names.
    ///
    /// # Errors
    /// `invalid-argument` for another name.
    pub(crate) fn of_setting(name: &str) -> Result<Self> {
        match name {
            "crc64" => Ok(Self::Crc64),
            "md5" => Ok(Self::Md5),
            "none" => Ok(Self::None),
            _ => Err(refused("checksum", "is none of crc64, md5, none")),
        }
    }

    /// The request with the checksum of `content`. Live content has none, since it is read only once.
    ///
    /// # Errors
    /// What reading the content answers.
    pub(crate) fn of_body(self, request: Request, content: &Content) -> Result<Request> {
        let (algorithm, header) = match self {
            Self::Crc64 => ("crc64nvme", "x-ms-content-crc64"),
            Self::Md5 => ("md5", "content-md5"),
            Self::None => return Ok(request),
        };
        match content.digest(algorithm) {
            Ok(mut digest) => {
                if self == Self::Crc64 {
                    // Azure writes the number with its lowest byte first.
                    digest.reverse();
                }
                Ok(request.header(header, STANDARD.encode(digest)))
            }
            Err(error) if error.kind == ErrorKind::Unsupported => Ok(request),
            Err(error) => Err(error),
        }
    }
}
