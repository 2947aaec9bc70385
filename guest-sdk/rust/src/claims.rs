//! The claims of a driver: what `configure` answers.

/// What is true of a driver with its present settings.
///
/// What is claimed must work, what is not claimed must be refused with `unsupported`. Optional interfaces are claimed by
/// exporting them. The names and their meanings are those of the contract's `lifecycle`.
///
/// ```
/// # use cofferdam_guest::Claims;
/// let claims = Claims::new().put_if_absent().part_min(5 << 20);
/// assert_eq!(claims.get("part-min"), Some("5242880"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Vec<(String, String)>);

macro_rules! flags {
    ($($(#[$doc:meta])* $function:ident: $name:literal = $value:literal;)*) => {
        impl Claims {$(
            $(#[$doc])*
            #[must_use]
            pub fn $function(self) -> Self {
                self.with($name, $value)
            }
        )*}
    };
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $function:ident: $name:literal, $number:ty;)*) => {
        impl Claims {$(
            $(#[$doc])*
            #[must_use]
            pub fn $function(self, value: $number) -> Self {
                self.with($name, value)
            }
        )*}
    };
}

impl Claims {
    /// No claim.
    pub fn new() -> Self {
        Self::default()
    }

    /// A claim by its name, for those that have no function here.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.retain(|(present, _)| present != name);
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same claims without one of them.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(present, _)| present != name);
        self
    }

    /// The value of a claim that was made.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(present, _)| present == name).map(|(_, value)| value.as_str())
    }

    /// The claims as `configure` answers them.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

flags! {
    /// `put` honours `if-absent`.
    put_if_absent: "put-if-absent" = "true";
    /// `put` honours `if-match`.
    put_if_match: "put-if-match" = "true";
    /// The atomic store's `remove` honours `if-match`.
    atomic_remove_if_match: "atomic-remove-if-match" = "true";
    /// `complete` may name another path than `create` did.
    late_destination: "late-destination" = "true";
    /// `complete` honours `if-absent`.
    complete_if_absent: "complete-if-absent" = "true";
    /// `write_part` takes content as it arrives, its size perhaps unknown.
    live_content: "live-content" = "true";
    /// Parts of one upload may be written at the same time.
    parallel_parts: "parallel-parts" = "true";
    /// Parts may be written in any order.
    out_of_order_parts: "out-of-order-parts" = "true";
    /// All parts but the last have one size.
    part_uniform: "part-uniform" = "true";
    /// One instance serves the mount: its state is the store.
    instances_single: "instances" = "single";
    /// Everything that would write is `unsupported`.
    read_only: "writable" = "false";
    /// Lists are `unsupported`.
    not_listable: "listable" = "false";
    /// Several processes may use one backend at once.
    shared: "shared" = "true";
    /// Nothing outlives the instance.
    volatile: "volatile" = "true";
}

numbers! {
    /// The largest object that `put` takes, in bytes.
    put_max: "put-max", u64;
    /// The smallest part that is not the last, in bytes.
    part_min: "part-min", u64;
    /// The largest part, in bytes.
    part_max: "part-max", u64;
    /// How many parts an upload may have.
    part_count_max: "part-count-max", u32;
    /// How many bytes the store holds at most.
    capacity: "capacity", u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_made_once() {
        let claims = Claims::new().capacity(1).shared().capacity(2);
        assert_eq!(claims.into_pairs(), [("shared".to_owned(), "true".to_owned()), ("capacity".to_owned(), "2".to_owned())]);
    }
}
