//! Metrics of requests, through the `metrics` facade: how many by route, method and status, and how long until the answer began.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use hyper::{Method, StatusCode};
use metrics::{Counter, Histogram, Unit};

use super::route::Kind;

/// Requests answered: labels `route`, `method`, `status`.
pub const REQUESTS: &str = "cofferdam_http_requests_total";

/// Seconds until an answer began: labels `route`, `method`. What a large body takes after that is the client's speed.
pub const SECONDS: &str = "cofferdam_http_request_seconds";

/// The methods that are counted by name.
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The statuses that are counted by number.
const STATUSES: [u16; 21] = [200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 408, 413, 416, 429, 500, 501, 502, 503, 504, 507];

const OTHER: &str = "other";

/// Handles of every counter that was needed yet: looking one up by its labels for each request would cost more than the rest of a small answer.
pub(super) struct RequestCounts {
    requests: Box<[OnceLock<Counter>]>,
    seconds: Box<[OnceLock<Histogram>]>,
}

impl fmt::Debug for RequestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestCounts").finish_non_exhaustive()
    }
}

impl RequestCounts {
    pub(super) fn new() -> Self {
        metrics::describe_counter!(REQUESTS, "Requests answered, by route, method and status.");
        metrics::describe_histogram!(SECONDS, Unit::Seconds, "Time from a request's head to the beginning of its answer.");
        let rows = Kind::COUNT * (METHODS.len() + 1);
        Self { requests: (0..rows * (STATUSES.len() + 1)).map(|_| OnceLock::new()).collect(), seconds: (0..rows).map(|_| OnceLock::new()).collect() }
    }

    /// Counts one request.
    pub(super) fn count(&self, kind: Kind, method: &Method, status: StatusCode, began: Instant) {
        let at_method = METHODS.iter().position(|known| known == method);
        let at_status = STATUSES.iter().position(|known| *known == status.as_u16());
        let row = kind as usize * (METHODS.len() + 1) + at_method.unwrap_or(METHODS.len());
        let method = || at_method.map_or(OTHER, |at| METHODS[at].as_str()).to_owned();
        let cell = row * (STATUSES.len() + 1) + at_status.unwrap_or(STATUSES.len());
        if let Some(counter) = self.requests.get(cell) {
            let status = || at_status.map_or_else(|| OTHER.to_owned(), |at| STATUSES[at].to_string());
            let make = || metrics::counter!(REQUESTS, "route" => kind.as_str(), "method" => method(), "status" => status());
            counter.get_or_init(make).increment(1);
        }
        if let Some(histogram) = self.seconds.get(row) {
            let make = || metrics::histogram!(SECONDS, "route" => kind.as_str(), "method" => method());
            histogram.get_or_init(make).record(began.elapsed().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_a_cell() {
        let counts = RequestCounts::new();
        for kind in [Kind::Base, Kind::Upload, Kind::Other] {
            for method in METHODS.iter().chain([&Method::OPTIONS]) {
                for status in STATUSES.iter().chain([&418]) {
                    counts.count(kind, method, StatusCode::from_u16(*status).unwrap_or_default(), Instant::now());
                }
            }
        }
        let used = |cells: usize| cells == 3 * 7 * 22;
        assert!(used(counts.requests.iter().filter(|cell| cell.get().is_some()).count()));
        assert_eq!(counts.seconds.iter().filter(|cell| cell.get().is_some()).count(), 3 * 7);
    }
}
