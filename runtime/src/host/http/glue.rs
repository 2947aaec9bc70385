//! The interfaces `http` and `signing` as a guest calls them: arguments in, answers out.

use std::time::Duration;

use wasmtime::component::Resource;

use super::{Answered, Asked, Http};
use crate::bindings::cofferdam::storage::http::{Host, Request, Response};
use crate::bindings::cofferdam::storage::{signing, store_types as types};
use crate::call::CallContext;
use crate::content::Content;
use crate::error::{Error, Result};
use crate::host::data::outcome;
use crate::host::state::State;

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

/// The option of a request that the host knows.
const FIRST_BYTE: &str = "first-byte-timeout-ms";

impl TryFrom<Request> for Asked {
    type Error = Error;

    fn try_from(request: Request) -> Result<Self> {
        let mut first_byte = None;
        for (name, value) in &request.options {
            if name == FIRST_BYTE {
                let milliseconds = value.parse().map_err(|_| Error::invalid_argument(format!("the option `{FIRST_BYTE}` must be a whole number")))?;
                first_byte = Some(Duration::from_millis(milliseconds));
            }
        }
        Ok(Self { method: request.method, url: request.url, headers: request.headers, first_byte })
    }
}

async fn ask(http: Result<Http>, call: &CallContext, request: Request, body: Option<Result<Content>>) -> Result<Answered> {
    http?.send(call, request.try_into()?, body.transpose()?).await
}

async fn presign(http: Result<Http>, request: Request, seconds: u32) -> Result<String> {
    http?.presign(request.try_into()?, seconds).await
}

async fn ask_all(http: Result<Http>, call: &CallContext, requests: Vec<Request>) -> Vec<Result<Answered>> {
    match http {
        Ok(http) => http.send_all(call, requests.into_iter().map(TryInto::try_into).collect()).await,
        Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// A request as traces show it: without its query.
fn shown(request: &Request) -> String {
    format!("{} {}", request.method, request.url.split('?').next().unwrap_or_default())
}

impl Host for State {
    async fn send(&mut self, request: Request, body: Option<Resource<Content>>) -> Answer<Response> {
        self.budget.enter_host();
        let said = shown(&request);
        let body = body.map(|body| self.lent(&body)).transpose()?;
        let (http, call) = (self.http(), self.call().clone());
        let answered = ask(http, &call, request, body).await;
        self.budget.leave_host();
        call.moved(1);
        self.respond("http.send", &said, answered)
    }

    async fn send_all(&mut self, requests: Vec<Request>) -> wasmtime::Result<Vec<Result<Response, types::Error>>> {
        self.budget.enter_host();
        let said: Vec<_> = requests.iter().map(shown).collect();
        let (http, call) = (self.http(), self.call().clone());
        let answered = ask_all(http, &call, requests).await;
        self.budget.leave_host();
        said.iter().zip(answered).map(|(said, answered)| self.respond("http.send-all", said, answered)).collect()
    }
}

impl State {
    /// What the guest gets for a request that the trace shows as `said`.
    fn respond(&mut self, function: &str, said: &str, answered: Result<Answered>) -> Answer<Response> {
        self.trace(|| format!("{function}({said}) {}", outcome(&answered, |answered| answered.status.as_u16().to_string())));
        match answered {
            Ok(answered) => {
                let (status, headers) = (answered.status.as_u16(), answered.texts());
                Ok(Ok(Response { status, headers, content: self.give(answered.content)? }))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl signing::Host for State {
    async fn presign(&mut self, request: Request, seconds: u32) -> Answer<String> {
        self.budget.enter_host();
        let said = shown(&request);
        let url = presign(self.http(), request, seconds).await;
        self.budget.leave_host();
        self.trace(|| format!("signing.presign({said}, {seconds}) {}", outcome(&url, |_| "a URL".to_owned())));
        Ok(url.map_err(Into::into))
    }
}
