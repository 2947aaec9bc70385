//! The registry as one: which store a repository is in, what is allowed, and the catalog of all.

use std::sync::Arc;

use crate::error::Result;
use crate::name::{NamePage, RepositoryName};
use crate::repository::{Repository, Rules};
use crate::store::Store;

/// A registry. Clones share it.
#[derive(Clone, Debug)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    default: Store,
    /// The longest prefix first.
    routes: Vec<(RepositoryName, Store)>,
    rules: Rules,
}

/// Whether repository `name` is `prefix` or below it, at a component boundary.
fn is_within(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Registry {
    /// A registry whose repositories are all in `store`.
    pub fn new(store: Store, rules: Rules) -> Self {
        Self::with_routes(store, Vec::new(), rules)
    }

    /// A registry whose repositories are in the store of the longest of `routes` that they are within, else in `default`.
    pub fn with_routes(default: Store, mut routes: Vec<(RepositoryName, Store)>, rules: Rules) -> Self {
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.as_str().len()));
        Self { inner: Arc::new(Inner { default, routes, rules }) }
    }

    /// The repository called `name`. It need not exist: the first push makes it.
    pub fn repository(&self, name: &RepositoryName) -> Repository {
        Repository::new(name.clone(), self.store_of(name.as_str()).clone(), self.inner.rules)
    }

    /// What is allowed.
    pub fn rules(&self) -> Rules {
        self.inner.rules
    }

    /// Every store, each once.
    pub fn stores(&self) -> Vec<Store> {
        let mut stores = vec![self.inner.default.clone()];
        for (_, store) in &self.inner.routes {
            if !stores.iter().any(|known| known.is(store)) {
                stores.push(store.clone());
            }
        }
        stores
    }

    fn store_of(&self, name: &str) -> &Store {
        let routed = self.inner.routes.iter().find(|(prefix, _)| is_within(name, prefix.as_str()));
        routed.map_or(&self.inner.default, |(_, store)| store)
    }

    /// At most `n` names of repositories after `last`, in byte order.
    ///
    /// # Errors
    /// [`crate::RegistryError::NameInvalid`] for a `last` that no repository can have, and what the stores report.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn catalog(&self, last: Option<&str>, n: u32) -> Result<NamePage> {
        let last = last.filter(|last| !last.is_empty()).map(RepositoryName::new).transpose()?;
        let mut all = NamePage::default();
        if n == 0 {
            return Ok(all);
        }
        for store in self.stores() {
            let page = self.catalog_of(&store, last.clone(), n as usize).await?;
            all.names.extend(page.names);
            all.more |= page.more;
        }
        all.names.sort_unstable();
        all.more |= all.names.len() > n as usize;
        all.names.truncate(n as usize);
        Ok(all)
    }

    /// The repositories that are in `store` and belong there: what a former routing left elsewhere cannot be pulled.
    async fn catalog_of(&self, store: &Store, mut last: Option<RepositoryName>, n: usize) -> Result<NamePage> {
        let mut all = NamePage::default();
        loop {
            let page = store.parts().catalog.page(last.as_ref(), n - all.names.len()).await?;
            last = page.names.last().map(RepositoryName::new).transpose()?;
            all.names.extend(page.names.into_iter().filter(|name| self.store_of(name).is(store)));
            all.more = page.more;
            if !page.more || last.is_none() || all.names.len() >= n {
                return Ok(all);
            }
        }
    }
}
