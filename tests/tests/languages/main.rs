//! The example drivers in other languages, as `cofferdam build` makes them: each keeps what its list promises, and serves an unmodified client.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod certified;
mod example;
mod served;
