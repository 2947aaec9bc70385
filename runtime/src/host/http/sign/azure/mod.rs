//! Azure Storage's two schemes.
//!
//! | module | its one job |
//! |---|---|
//! | `shared_key` | a request's signature by the account's key |
//! | `service_sas` | a URL's signature by the account's key |
//! | `token` | a shared access signature that somebody else made, added to requests |

mod service_sas;
mod shared_key;
mod token;

pub(super) use shared_key::SharedKey;
pub(super) use token::SasToken;

use url::Url;

/// The parameters of a query that are a shared access signature's own (Microsoft, "Create a service SAS", "Create an account SAS" and
/// "Create a user delegation SAS").
const SAS_PARAMETERS: &[&str] = &[
    "sv", "ss", "srt", "sr", "sp", "st", "se", "si", "sip", "spr", "ses", "sig", "sdd", "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid",
    "suoid", "scid",
];

/// The parameter of a URL's query that is a signature's, if it has one.
fn signature_parameter(url: &Url) -> Option<&'static str> {
    url.query_pairs().find_map(|(name, _)| SAS_PARAMETERS.iter().copied().find(|parameter| name.eq_ignore_ascii_case(parameter)))
}
