//! Records as values of an atomic store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cofferdam::{AtomicKey, AtomicStore, Condition, ErrorKind, Result};

use super::Records;
use crate::name::NamePage;

/// Records in the atomic store.
pub(crate) struct KeyRecords {
    store: Arc<dyn AtomicStore>,
}

impl KeyRecords {
    pub(crate) fn new(store: Arc<dyn AtomicStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Records for KeyRecords {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        match self.store.get(&AtomicKey::new(key)?).await {
            Ok(value) => Ok(Some(value.data)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, key: &str, data: Bytes) -> Result<()> {
        self.store.put(&AtomicKey::new(key)?, data, Condition::Unconditional).await.map(drop)
    }

    async fn remove(&self, keys: &[String]) -> Result<()> {
        for key in keys {
            self.store.remove(&AtomicKey::new(key)?, Condition::Unconditional).await?;
        }
        Ok(())
    }

    async fn children(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<NamePage> {
        if limit == 0 {
            return Ok(NamePage::default());
        }
        let below = format!("{prefix}/");
        let mut after = after.map(|after| format!("{below}{after}"));
        let mut page = NamePage::default();
        loop {
            let asked = (limit - page.names.len()).min(1000) as u32;
            let keys = self.store.list(&below, after.as_deref(), asked).await?;
            page.names.extend(keys.keys.iter().map(|key| key[below.len()..].to_owned()));
            after = keys.keys.into_iter().next_back().or(after);
            if !keys.more || page.names.len() >= limit {
                page.more = keys.more;
                return Ok(page);
            }
        }
    }
}
