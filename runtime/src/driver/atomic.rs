//! [`AtomicStore`] over a mounted driver.

use async_trait::async_trait;
use bytes::Bytes;

use super::Mount;
use crate::convert::{self, misbehaved};
use crate::error::{Error, Result};
use crate::path::AtomicKey;
use crate::pool::Operation;
use crate::store::{AtomicStore, not_offered};
use crate::types::{Condition, Etag, Keys, VALUE_MAX, Value};

/// Calls a function of the driver's `atomic-store`.
macro_rules! ask {
    ($mount:expr, $operation:expr, |$guest:ident, $store:ident| $call:expr) => {
        $mount
            .pool()
            .call($operation, move |instance| {
                Box::pin(async move {
                    let Some($guest) = &instance.guests.atomic else { return Err(not_offered("atomic-store").into()) };
                    let $store = &mut instance.store;
                    $call.await
                })
            })
            .await
    };
}

impl Mount {
    fn atomic_offered(&self) -> Result<()> {
        if self.has(crate::Interface::AtomicStore) { Ok(()) } else { Err(not_offered("atomic-store")) }
    }

    fn complain(&self, error: Error, operation: &'static str, subject: &str) -> Error {
        error.in_operation(operation, self.pool().driver_name()).at_path(subject)
    }
}

#[async_trait]
impl AtomicStore for Mount {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        self.atomic_offered()?;
        let asked = key.clone();
        let value = ask!(self, Operation::new("get").about(key.as_str()), |guest, store| guest.call_get(store, asked.as_str()))?;
        if value.data.len() > VALUE_MAX {
            let error = misbehaved(format!("the driver answered a value of {} bytes, over {VALUE_MAX}", value.data.len()));
            return Err(self.complain(error, "get", key.as_str()));
        }
        let etag = convert::etag(value.etag).map_err(|error| self.complain(error, "get", key.as_str()))?;
        Ok(Value { data: value.data.into(), etag })
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        self.atomic_offered()?;
        let operation = Operation::new("put").about(key.as_str()).with(|| format!("{} bytes, {condition:?}", data.len()));
        if data.len() > VALUE_MAX {
            let error = Error::invalid_argument(format!("a value of {} bytes, over the {VALUE_MAX} that one may have", data.len()));
            return Err(self.complain(error, "put", key.as_str()));
        }
        let (asked, condition) = (key.clone(), condition.into());
        let etag = ask!(self, operation, |guest, store| guest.call_put(store, asked.as_str(), &data, &condition))?;
        convert::etag(etag).map_err(|error| self.complain(error, "put", key.as_str()))
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        self.atomic_offered()?;
        let operation = Operation::new("remove").about(key.as_str()).with(|| format!("{condition:?}"));
        let (asked, condition) = (key.clone(), condition.into());
        ask!(self, operation, |guest, store| guest.call_remove(store, asked.as_str(), &condition))
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        self.atomic_offered()?;
        let operation = Operation::new("list").about(prefix).with(|| format!("after {start_after:?}, limit {limit}"));
        let limit = limit.clamp(1, super::streaming::PAGE_MAX);
        let (asked, after) = (prefix.to_owned(), start_after.map(str::to_owned));
        let answered = ask!(self, operation, |guest, store| guest.call_list(store, &asked, after.as_deref(), limit))?;
        let complain = |message: String| Err(self.complain(misbehaved(message), "list", prefix));
        if answered.keys.len() > limit as usize {
            return complain(format!("the driver answered {} keys where at most {limit} were asked for", answered.keys.len()));
        }
        let mut last = start_after;
        for key in &answered.keys {
            if AtomicKey::new(key).is_err() || !key.starts_with(prefix) || last.is_some_and(|last| last >= key.as_str()) {
                return complain(format!(
                    "the driver answered the key {:?}, which is none, outside the prefix or out of order",
                    crate::text::printable(key, 120)
                ));
            }
            last = Some(key);
        }
        if answered.more && answered.keys.is_empty() {
            return complain("the driver's list does not get on: no key, and more to come".to_owned());
        }
        Ok(Keys { keys: answered.keys, more: answered.more })
    }

    async fn count(&self, prefix: &str) -> Result<u64> {
        self.atomic_offered()?;
        let asked = prefix.to_owned();
        ask!(self, Operation::new("count").about(prefix), |guest, store| guest.call_count(store, &asked))
    }
}
