//! A range of addresses, as a grant names it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::error::GrantError;
use super::fields::Field;

/// A range of addresses: `127.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AddressRange(IpNet);

/// Why a text is no range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("is {text:?} but must be an address, or a range that starts at its first address, such as \"127.0.0.0/8\" or \"fd00::/8\"")]
pub struct AddressRangeError {
    text: String,
}

impl AddressRange {
    /// Whether `address` is in it. An IPv4-mapped address is the IPv4 address that it reaches.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether it is `address` alone.
    pub fn is_only(&self, address: IpAddr) -> bool {
        self.0.prefix_len() == self.0.max_prefix_len() && self.contains(address)
    }
}

/// The ranges that `field` names, which must be `expected`.
pub(super) fn ranges(field: &Field<'_, '_>, expected: &str) -> Result<Vec<AddressRange>, GrantError> {
    field.items(expected)?.map(|item| item.text()?.parse().map_err(|problem: AddressRangeError| item.bad(problem.to_string()))).collect()
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let range = match text.parse::<IpAddr>() {
            Ok(address) => Some(IpNet::from(address)),
            Err(_) => text.parse::<IpNet>().ok(),
        };
        // A range that does not start at its first address is more likely a slip than a wish for all of it.
        range.filter(|range| range.addr() == range.network()).map(Self).ok_or_else(|| AddressRangeError { text: text.to_owned() })
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_has_its_addresses_and_no_others() {
        assert!(range("127.0.0.0/8").contains(ip("127.255.0.1")));
        assert!(!range("127.0.0.0/8").contains(ip("128.0.0.1")));
        assert!(!range("127.0.0.0/8").contains(ip("::1")));
        assert!(range("fd00::/8").contains(ip("fdff::1")));
    }

    #[test]
    fn a_mapped_address_is_the_one_it_reaches() {
        assert!(range("127.0.0.0/8").contains(ip("::ffff:127.0.0.1")));
        assert!(!range("::/0").contains(ip("::ffff:127.0.0.1")));
    }

    #[test]
    fn one_address_is_a_range_too() {
        assert!(range("10.0.0.7").is_only(ip("10.0.0.7")) && range("10.0.0.7/32").is_only(ip("10.0.0.7")));
        assert!(!range("10.0.0.7").contains(ip("10.0.0.8")));
        assert!(!range("10.0.0.0/24").is_only(ip("10.0.0.0")));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "127.0.0.1/8", "127.0.0.0/33", "10/8", "localhost", "127.0.0.0/8 "] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn it_is_shown_as_it_is_written() {
        for text in ["127.0.0.0/8", "fd00::/8", "::1"] {
            assert_eq!(range(text).to_string(), text);
        }
    }
}
