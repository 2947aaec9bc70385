//! Which addresses may be reached: the one place where that is decided.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::grant::AddressRange;

/// Where clouds tell a machine its credentials. A range that happens to have one in it does not grant it.
const METADATA: &[IpAddr] = &[
    // AWS, Azure, GCP, OpenStack and most others.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // AWS: tasks of ECS, pods of EKS.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    // Scaleway, Alibaba, Oracle, and Azure's WireServer, which has a public address.
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // AWS, AWS EKS and GCP over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

const METADATA_NAME: &str = "a cloud's metadata address";

/// Whether a grant that names `ranges` may reach `ip`.
///
/// # Errors
/// What `ip` is, in words, if no range gives it: `a loopback address`.
pub(crate) fn check(ip: IpAddr, ranges: &[AddressRange]) -> Result<(), &'static str> {
    match refused(ip) {
        None => Ok(()),
        Some(METADATA_NAME) if ranges.iter().any(|range| range.is_only(ip)) => Ok(()),
        Some(what) if what != METADATA_NAME && ranges.iter().any(|range| range.contains(ip)) => Ok(()),
        Some(what) => Err(what),
    }
}

/// What `ip` is, in words, if it may be reached only where a grant names its range.
pub(crate) fn refused(ip: IpAddr) -> Option<&'static str> {
    let ip = ip.to_canonical();
    if METADATA.contains(&ip) {
        return Some(METADATA_NAME);
    }
    match ip {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip).or_else(|| translated(ip).and_then(|inner| refused(inner.into()))),
    }
}

/// By IANA's registry of special-purpose IPv4 addresses.
fn special_v4(ip: Ipv4Addr) -> Option<&'static str> {
    Some(match ip.octets() {
        [0, ..] => "an unspecified address",
        [127, ..] => "a loopback address",
        _ if ip.is_private() => "a private address",
        [100, 64..=127, ..] => "a carrier's shared address",
        _ if ip.is_link_local() => "a link-local address",
        _ if ip.is_multicast() => "a multicast address",
        _ if ip.is_documentation() => "an address of documentation",
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => "a reserved address",
        [198, 18 | 19, ..] => "an address of benchmarks",
        _ => return None,
    })
}

/// By IANA's registry of special-purpose IPv6 addresses, without those that carry an IPv4 address.
fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    Some(match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "an unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        [0xfc00..=0xfdff, ..] => "a private address",
        // The second half was "site-local" once.
        [0xfe80..=0xfeff, ..] => "a link-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        [0x64, 0xff9b, 1, ..] => "a private translated address",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "an address of documentation",
        // Teredo is in it, whose IPv4 address is behind somebody else's relay.
        [0x2001, 0..=0x1ff, ..] | [0x100, 0, 0, 0..=1, ..] | [0x5f00, ..] => "a reserved address",
        _ => return None,
    })
}

/// The IPv4 address that a gateway, a tunnel or an old stack would reach for `ip`.
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match ip.segments() {
        // IPv4-compatible, IPv4-translated (SIIT), NAT64.
        [0, 0, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        // 6to4.
        [0x2002, high, low, ..] => (high, low),
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn ranges(texts: &[&str]) -> Vec<AddressRange> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_on_the_internet_may_be_reached() {
        for text in
            ["1.1.1.1", "9.255.255.255", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.63.0.1", "100.128.0.1", "223.255.255.255"]
        {
            assert_eq!(refused(ip(text)), None, "{text}");
        }
        for text in ["2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"] {
            assert_eq!(refused(ip(text)), None, "{text}");
        }
    }

    #[test]
    fn special_addresses_are_refused() {
        let cases = [
            ("0.0.0.0", "an unspecified address"),
            ("0.1.2.3", "an unspecified address"),
            ("127.0.0.1", "a loopback address"),
            ("127.255.255.255", "a loopback address"),
            ("10.1.2.3", "a private address"),
            ("172.16.0.1", "a private address"),
            ("172.31.255.255", "a private address"),
            ("192.168.0.1", "a private address"),
            ("100.64.0.1", "a carrier's shared address"),
            ("169.254.0.1", "a link-local address"),
            ("224.0.0.1", "a multicast address"),
            ("239.255.255.250", "a multicast address"),
            ("192.0.2.1", "an address of documentation"),
            ("198.18.0.1", "an address of benchmarks"),
            ("240.0.0.1", "a reserved address"),
            ("255.255.255.255", "a reserved address"),
            ("::", "an unspecified address"),
            ("::1", "a loopback address"),
            ("fc00::1", "a private address"),
            ("fd12:3456::1", "a private address"),
            ("fe80::1", "a link-local address"),
            ("febf::1", "a link-local address"),
            ("fec0::1", "a link-local address"),
            ("ff02::1", "a multicast address"),
            ("2001:db8::1", "an address of documentation"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "a reserved address"),
            ("64:ff9b:1::a00:1", "a private translated address"),
        ];
        for (text, what) in cases {
            assert_eq!(refused(ip(text)), Some(what), "{text}");
        }
    }

    #[test]
    fn a_disguised_address_is_what_it_reaches() {
        for text in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2606::5efe:127.0.0.1",
            "2606::200:5efe:7f00:1",
        ] {
            assert_eq!(refused(ip(text)), Some("a loopback address"), "{text}");
        }
        for text in ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"] {
            assert_eq!(refused(ip(text)), Some(METADATA_NAME), "{text}");
        }
        assert_eq!(refused(ip("::ffff:10.0.0.1")), Some("a private address"));
    }

    #[test]
    fn metadata_addresses_are_refused_wherever_they_are() {
        for text in ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"] {
            assert_eq!(refused(ip(text)), Some(METADATA_NAME), "{text}");
        }
    }

    #[test]
    fn a_range_gives_its_own_addresses() {
        let granted = ranges(&["127.0.0.0/8", "fd00::/8"]);
        for text in ["127.0.0.1", "::ffff:127.0.0.1", "fd00::1", "1.1.1.1"] {
            assert_eq!(check(ip(text), &granted), Ok(()), "{text}");
        }
        for text in ["10.0.0.1", "::1", "64:ff9b::7f00:1", "2002:7f00:1::1", "0.0.0.0"] {
            assert!(check(ip(text), &granted).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wide_range_gives_no_metadata_address() {
        let wide = ranges(&["0.0.0.0/0", "::/0"]);
        for address in METADATA {
            assert_eq!(check(*address, &wide), Err(METADATA_NAME), "{address}");
        }
        assert_eq!(check(ip("64:ff9b::a9fe:a9fe"), &wide), Err(METADATA_NAME));
        assert_eq!(check(ip("169.254.169.254"), &ranges(&["169.254.169.254/32"])), Ok(()));
    }
}
