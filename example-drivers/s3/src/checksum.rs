//! The checksum that goes with every body, which the host computes and the server compares.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cofferdam_guest::prelude::*;

/// Which checksum goes with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    Sha256,
    Crc32c,
    Crc64Nvme,
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
            "sha256" => Ok(Self::Sha256),
            "crc32c" => Ok(Self::Crc32c),
            "crc64nvme" => Ok(Self::Crc64Nvme),
            "md5" => Ok(Self::Md5),
            "none" => Ok(Self::None),
            _ => Err(refused("checksum", "is none of sha256, crc32c, crc64nvme, md5, none")),
        }
    }

    /// The host's name of it, and the header that carries it.
    fn names(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Sha256 => Some(("sha256", "x-amz-checksum-sha256")),
            Self::Crc32c => Some(("crc32c", "x-amz-checksum-crc32c")),
            Self::Crc64Nvme => Some(("crc64nvme", "x-amz-checksum-crc64nvme")),
            Self::Md5 => Some(("md5", "content-md5")),
            Self::None => None,
        }
    }

    /// The request with the checksum of `content`, and that checksum in base64. Live content has none, since it is read only once.
    ///
    /// # Errors
    /// What reading the content answers.
    pub(crate) fn of_body(self, request: Request, content: &Content) -> Result<(Request, Option<String>)> {
        let Some((algorithm, header)) = self.names() else { return Ok((request, None)) };
        match content.digest(algorithm).map(|digest| STANDARD.encode(digest)) {
            Ok(checksum) => Ok((request.header(header, checksum.clone()), Some(checksum))),
            Err(error) if error.kind == ErrorKind::Unsupported => Ok((request, None)),
            Err(error) => Err(error),
        }
    }

    /// What an upload says of the checksums that its parts will have.
    pub(crate) fn of_upload(self, request: Request) -> Request {
        match self {
            Self::Sha256 => request.header("x-amz-checksum-algorithm", "SHA256"),
            Self::Crc32c => request.header("x-amz-checksum-algorithm", "CRC32C"),
            // S3 joins these into one of the whole object, and knows no checksum of checksums.
            Self::Crc64Nvme => request.header("x-amz-checksum-algorithm", "CRC64NVME").header("x-amz-checksum-type", "FULL_OBJECT"),
            Self::Md5 | Self::None => request,
        }
    }

    /// What an upload is completed with for each part: the name of the element. Only a checksum of checksums needs it.
    pub(crate) fn of_part(self) -> Option<&'static str> {
        match self {
            Self::Sha256 => Some("ChecksumSHA256"),
            Self::Crc32c => Some("ChecksumCRC32C"),
            Self::Crc64Nvme | Self::Md5 | Self::None => None,
        }
    }
}
