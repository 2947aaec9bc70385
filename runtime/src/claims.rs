//! What a driver claims: the attributes that its `configure` answered, typed.

use crate::error::{Error, ErrorKind, Result};

/// How many instances of a driver may serve one mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// As many as the limits allow: an instance can be thrown away after any call and nothing is lost.
    #[default]
    Pooled,
    /// One: its state is the store.
    Single,
}

/// The claims of a driver with its present settings (contract: `lifecycle.configure`).
///
/// What is claimed must work, what is not must be refused with `unsupported`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// `complete` may name another destination than `create` did.
    pub late_destination: bool,
    /// `write-part` takes content as it arrives, its size perhaps unknown.
    pub live_content: bool,
    /// `put` honours `if-absent`.
    pub put_if_absent: bool,
    /// `put` honours `if-match`.
    pub put_if_match: bool,
    /// `complete` honours `if-absent`.
    pub complete_if_absent: bool,
    /// The atomic store's `remove` honours `if-match`.
    pub atomic_remove_if_match: bool,
    /// Parts of one upload may be written at once.
    pub parallel_parts: bool,
    /// Parts may be written in any order.
    pub out_of_order_parts: bool,
    /// The largest object that `put` takes, in bytes.
    pub put_max: Option<u64>,
    /// The smallest part that is not the last, in bytes.
    pub part_min: Option<u64>,
    /// The largest part, in bytes.
    pub part_max: Option<u64>,
    /// All parts but the last have one size.
    pub part_uniform: bool,
    /// How many parts an upload may have.
    pub part_count_max: Option<u32>,
    /// Pooled or single.
    pub instances: Instances,
    /// Writes are possible at all; true unless denied.
    pub writable: bool,
    /// Lists are possible at all; true unless denied.
    pub listable: bool,
    /// Several processes may use one backend at once.
    pub shared: bool,
    /// Nothing outlives the instance.
    pub volatile: bool,
    /// How many bytes the store holds at most.
    pub capacity: Option<u64>,
    raw: Vec<(String, String)>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            late_destination: false,
            live_content: false,
            put_if_absent: false,
            put_if_match: false,
            complete_if_absent: false,
            atomic_remove_if_match: false,
            parallel_parts: false,
            out_of_order_parts: false,
            put_max: None,
            part_min: None,
            part_max: None,
            part_uniform: false,
            part_count_max: None,
            instances: Instances::Pooled,
            writable: true,
            listable: true,
            shared: false,
            volatile: false,
            capacity: None,
            raw: Vec::new(),
        }
    }
}

fn bad(name: &str, value: &str, expected: &str) -> Error {
    Error::new(ErrorKind::Misbehaved, format!("the claim `{name}` is {value:?}, not {expected}"))
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad(name, value, "`true` or `false`")),
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<Option<T>> {
    value.parse().map(Some).map_err(|_| bad(name, value, "a number"))
}

impl Claims {
    /// Reads the pairs that `configure` answered; a name that this host does not know is ignored, as the contract says.
    ///
    /// # Errors
    /// `misbehaved` for a value that the claim cannot have, and for `live-content` beside `part-min` or `part-uniform`,
    /// which exclude each other (live content ends where it stalls).
    pub fn parse(pairs: &[(String, String)]) -> Result<Self> {
        let mut claims = Self { raw: pairs.to_vec(), ..Self::default() };
        claims.raw.sort();
        for (name, value) in pairs {
            match name.as_str() {
                "late-destination" => claims.late_destination = flag(name, value)?,
                "live-content" => claims.live_content = flag(name, value)?,
                "put-if-absent" => claims.put_if_absent = flag(name, value)?,
                "put-if-match" => claims.put_if_match = flag(name, value)?,
                "complete-if-absent" => claims.complete_if_absent = flag(name, value)?,
                "atomic-remove-if-match" => claims.atomic_remove_if_match = flag(name, value)?,
                "parallel-parts" => claims.parallel_parts = flag(name, value)?,
                "out-of-order-parts" => claims.out_of_order_parts = flag(name, value)?,
                "put-max" => claims.put_max = number(name, value)?,
                "part-min" => claims.part_min = number(name, value)?,
                "part-max" => claims.part_max = number(name, value)?,
                "part-uniform" => claims.part_uniform = flag(name, value)?,
                "part-count-max" => claims.part_count_max = number(name, value)?,
                "instances" => {
                    claims.instances = match value.as_str() {
                        "pooled" => Instances::Pooled,
                        "single" => Instances::Single,
                        _ => return Err(bad(name, value, "`pooled` or `single`")),
                    }
                }
                "writable" => claims.writable = flag(name, value)?,
                "listable" => claims.listable = flag(name, value)?,
                "shared" => claims.shared = flag(name, value)?,
                "volatile" => claims.volatile = flag(name, value)?,
                "capacity" => claims.capacity = number(name, value)?,
                _ => {}
            }
        }
        if claims.live_content && (claims.part_min.is_some() || claims.part_uniform) {
            return Err(Error::new(ErrorKind::Misbehaved, "the claim `live-content` excludes `part-min` and `part-uniform`"));
        }
        Ok(claims)
    }

    /// The pairs as the driver answered them, sorted by name.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.raw
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Claims> {
        Claims::parse(&pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn claims_are_typed_and_unknown_ones_ignored() {
        let claims = parse(&[("instances", "single"), ("capacity", "1024"), ("future", "x"), ("writable", "false")]).unwrap();
        assert_eq!((claims.instances, claims.capacity, claims.writable, claims.listable), (Instances::Single, Some(1024), false, true));
    }

    #[test]
    fn garbage_is_the_drivers_fault() {
        for (name, value) in [("instances", "two"), ("capacity", "much"), ("shared", "yes")] {
            assert_eq!(parse(&[(name, value)]).unwrap_err().kind(), ErrorKind::Misbehaved);
        }
        assert!(parse(&[("live-content", "true"), ("part-min", "5")]).is_err());
    }
}
