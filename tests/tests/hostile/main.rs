//! Drivers that misbehave, each with the exact outcome, and the other calls of the same mount served all the while.
//!
//! | module | the driver |
//! |---|---|
//! | `harm` | loops, bombs, floods, leaks |
//! | `panics` | gives up, in each of its exports |
//! | `objects` | lies about objects |
//! | `pages` | lies in lists |
//! | `generated` | generates too much, too little, or never ends |
//! | `uploads` | lies about uploads |
//! | `values` | lies about values |
//! | `lifecycle` | lies about itself, or does not start |
//! | `reach` | tries to get out of the directories that it is granted |
//! | `network` | tries to get past its HTTP grant |
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod generated;
mod harm;
mod lifecycle;
mod network;
mod objects;
mod pages;
mod panics;
mod reach;
mod uploads;
mod values;
