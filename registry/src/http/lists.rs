//! What is there: the version check, repositories, tags, referrers.

use cofferdam::upload::BlobDigest;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LINK};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::ResponseBody;
use super::exchange::{Answer, Exchange, value};
use super::problem::Problem;
use crate::name::{NamePage, RepositoryName};
use crate::repository::Descriptor;

/// The most names in one page: what is left out is behind the `Link`. Some clients do not follow it, so that a page is as long as a request can afford.
const PAGE_MAX: u32 = 10_000;

/// The media type of an index, which a list of referrers is.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Says which filters of a list of referrers were applied.
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

#[derive(Serialize)]
struct Catalog {
    repositories: Vec<String>,
}

#[derive(Serialize)]
struct Tags<'a> {
    name: &'a str,
    tags: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

impl Exchange<'_> {
    /// `/v2/`: there is a registry here, and the client may talk to it.
    pub(super) fn base(&self) -> Response<ResponseBody> {
        json_answer("application/json", "{}".to_owned())
    }

    pub(super) async fn catalog(&self) -> Answer {
        let size = self.page_size()?;
        let page = match size {
            0 => NamePage::default(),
            size => self.api.registry.catalog(self.query("last").as_deref(), size).await?,
        };
        let next = next("/v2/_catalog", size, &page);
        paged(&Catalog { repositories: page.names }, next)
    }

    pub(super) async fn tags(&self, name: &RepositoryName) -> Answer {
        let size = self.page_size()?;
        // Also who asks for nothing learns whether the repository is there.
        let mut page = self.repository(name).tags(self.query("last").as_deref(), size.max(1)).await?;
        if size == 0 {
            page = NamePage::default();
        }
        let next = next(&format!("/v2/{name}/tags/list"), size, &page);
        paged(&Tags { name: name.as_str(), tags: page.names }, next)
    }

    pub(super) async fn referrers(&self, name: &RepositoryName, subject: &BlobDigest) -> Answer {
        let artifact_type = self.query("artifactType").filter(|filter| !filter.is_empty());
        let manifests = self.repository(name).referrers(subject, artifact_type.as_deref()).await?;
        let mut response = json_answer(INDEX, written(&Index { schema_version: 2, media_type: INDEX, manifests })?);
        if artifact_type.is_some() {
            response.headers_mut().insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
        }
        Ok(response)
    }

    /// The parameter `n`.
    fn page_size(&self) -> Result<u32, Problem> {
        let Some(n) = self.query("n") else { return Ok(PAGE_MAX) };
        if n.is_empty() || !n.bytes().all(|byte| byte.is_ascii_digit()) {
            let message =
                format!("n is how many names are wanted, a whole number that is not negative, not {:?}", n.chars().take(40).collect::<String>());
            return Err(Problem::new(StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID", message));
        }
        Ok(n.parse().unwrap_or(PAGE_MAX).min(PAGE_MAX))
    }
}

/// The link to what follows a page.
fn next(path: &str, size: u32, page: &NamePage) -> Option<HeaderValue> {
    let last = page.names.last().filter(|_| page.more)?;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("n", &size.to_string()).append_pair("last", last).finish();
    Some(value(format!("<{path}?{query}>; rel=\"next\"")))
}

fn paged(list: &impl Serialize, next: Option<HeaderValue>) -> Answer {
    let mut response = json_answer("application/json", written(list)?);
    if let Some(next) = next {
        response.headers_mut().insert(LINK, next);
    }
    Ok(response)
}

fn written(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", error.to_string()))
}

fn json_answer(media_type: &'static str, json: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::bytes(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn page(names: &[&str], more: bool) -> NamePage {
        NamePage { names: names.iter().map(|name| (*name).to_owned()).collect(), more }
    }

    #[test]
    fn a_page_links_to_the_next_only_if_there_is_one() {
        let link = next("/v2/_catalog", 2, &page(&["a", "b/c"], true)).unwrap();
        assert_eq!(link, "</v2/_catalog?n=2&last=b%2Fc>; rel=\"next\"");
        assert_eq!(next("/v2/_catalog", 2, &page(&["a", "b"], false)), None);
        assert_eq!(next("/v2/_catalog", 0, &page(&[], true)), None);
    }

    #[test]
    fn lists_are_written_as_the_specification_has_them() {
        assert_eq!(written(&Tags { name: "a", tags: vec![] }).unwrap(), r#"{"name":"a","tags":[]}"#);
        let index = Index { schema_version: 2, media_type: INDEX, manifests: vec![] };
        assert_eq!(written(&index).unwrap(), format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#));
    }
}
