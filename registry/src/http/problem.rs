//! Errors as the distribution specification writes them: a status, headers, and a JSON body with code, message and detail.

use std::time::Duration;

use hyper::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::body::ResponseBody;
use super::route::Kind;
use crate::error::RegistryError;

/// An answer that is an error. One pointer wide, so that results stay small.
#[derive(Debug)]
pub(super) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Option<Value>,
    headers: HeaderMap,
    /// What the operator has to know and the client must not.
    fault: Option<RegistryError>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts { status, code, message: message.into(), detail: None, headers: HeaderMap::new(), fault: None }))
    }

    /// 404: no endpoint has this path.
    pub(super) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "UNSUPPORTED", "no endpoint of the registry has this path")
    }

    /// 405: the endpoint is there and does not take the method.
    pub(super) fn method(kind: Kind) -> Self {
        let allow = kind.allow();
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", format!("this endpoint takes {allow}"))
            .with_header(ALLOW, HeaderValue::from_static(allow))
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    pub(super) fn with_detail(mut self, detail: Value) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// What the operator should see in the log, if it is a fault of the registry or its store.
    pub(super) fn fault(&self) -> Option<&RegistryError> {
        self.0.fault.as_ref()
    }

    pub(super) fn into_response(self) -> Response<ResponseBody> {
        let Parts { status, code, message, detail, headers, fault: _ } = *self.0;
        let mut error = json!({ "code": code, "message": message });
        if let Some(detail) = detail {
            error["detail"] = detail;
        }
        let body = json!({ "errors": [error] }).to_string();
        let mut response = Response::new(ResponseBody::bytes(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let mut problem = Self::new(error.status(), error.code(), error.message());
        problem.0.detail = error.detail();
        if let Some(after) = error.retry_after() {
            problem = problem.with_header(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        match &error {
            RegistryError::Unauthorized { challenge } => {
                if let Ok(challenge) = HeaderValue::from_str(challenge) {
                    problem = problem.with_header(WWW_AUTHENTICATE, challenge);
                }
            }
            RegistryError::RangeUnsatisfiable { size } => {
                if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size}")) {
                    problem = problem.with_header(hyper::header::CONTENT_RANGE, range);
                }
            }
            _ => {}
        }
        if error.is_fault() {
            problem.0.fault = Some(error);
        }
        problem
    }
}

impl From<cofferdam::Error> for Problem {
    fn from(error: cofferdam::Error) -> Self {
        RegistryError::from(error).into()
    }
}

/// `Retry-After` counts in seconds: rounded up, and never 0, which asks for a busy loop.
fn whole_seconds(after: Duration) -> u64 {
    (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use cofferdam::ErrorKind;
    use http_body_util::BodyExt;

    use super::*;

    async fn told(problem: impl Into<Problem>) -> (u16, HeaderMap, Value) {
        let (head, body) = problem.into().into_response().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), head.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_error_has_the_specifications_body() {
        let (status, headers, body) = told(RegistryError::DigestInvalid { digest: "x".to_owned() }).await;
        assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (400, "application/json"));
        let error = &body["errors"][0];
        assert_eq!((&error["code"], &error["detail"]), (&json!("DIGEST_INVALID"), &json!({ "digest": "x" })));
        assert!(error["message"].as_str().unwrap().contains("sha256"));
    }

    #[tokio::test]
    async fn headers_say_when_to_come_again_and_how() {
        let busy = cofferdam::Error::new(ErrorKind::RateLimited, "slow down").with_retry_after_ms(1200);
        let (status, headers, _) = told(busy).await;
        assert_eq!((status, headers[RETRY_AFTER].to_str().unwrap()), (429, "2"));
        let (status, headers, _) = told(RegistryError::Unauthorized { challenge: "Basic realm=\"x\"".to_owned() }).await;
        assert_eq!((status, headers[WWW_AUTHENTICATE].to_str().unwrap()), (401, "Basic realm=\"x\""));
        let (status, headers, _) = told(RegistryError::RangeUnsatisfiable { size: 7 }).await;
        assert_eq!((status, headers["content-range"].to_str().unwrap()), (416, "bytes */7"));
        let (status, headers, _) = told(Problem::method(Kind::Blob)).await;
        assert_eq!((status, headers[ALLOW].to_str().unwrap()), (405, "GET, HEAD, DELETE"));
    }

    #[test]
    fn faults_are_kept_for_the_operator_and_refusals_are_not() {
        assert!(Problem::from(cofferdam::Error::new(ErrorKind::Trapped, "x")).fault().is_some());
        assert!(Problem::from(RegistryError::UploadUnknown).fault().is_none());
    }
}
