//! [`AtomicStore`] over a mounted driver.

use async_trait::async_trait;
use bytes::Bytes;

use super::Mount;
use super::streaming::{PAGE_MAX, ask};
use crate::convert::{self, misbehaved};
use crate::error::{Error, Result};
use crate::guests::Interface;
use crate::path::AtomicKey;
use crate::pool::Operation;
use crate::store::{AtomicStore, not_offered};
use crate::types::{Condition, Etag, Keys, VALUE_MAX, Value};

#[async_trait]
impl AtomicStore for Mount {
    async fn get(&self, key: &AtomicKey) -> Result<Value> {
        let asked = key.clone();
        let value = ask!(self, AtomicStore.atomic, Operation::new("get").about(key.as_str()), |guest, instance| {
            guest.call_get(&mut instance.store, asked.as_str()).await
        })?;
        if value.data.len() > VALUE_MAX {
            let message = format!("the driver answered a value of {} bytes, over {VALUE_MAX}", value.data.len());
            return self.about(Err(misbehaved(message)), "get", key.as_str());
        }
        let etag = self.about(convert::etag(value.etag), "get", key.as_str())?;
        Ok(Value { data: value.data.into(), etag })
    }

    async fn put(&self, key: &AtomicKey, data: Bytes, condition: Condition) -> Result<Etag> {
        let operation = Operation::new("put").about(key.as_str()).with(|| format!("{} bytes, {condition:?}", data.len()));
        if data.len() > VALUE_MAX && self.has(Interface::AtomicStore) {
            let message = format!("a value of {} bytes, over the {VALUE_MAX} that one may have", data.len());
            return self.about(Err(Error::invalid_argument(message)), "put", key.as_str());
        }
        let (asked, condition) = (key.clone(), condition.into());
        let etag = ask!(self, AtomicStore.atomic, operation, |guest, instance| {
            guest.call_put(&mut instance.store, asked.as_str(), &data, &condition).await
        })?;
        self.about(convert::etag(etag), "put", key.as_str())
    }

    async fn remove(&self, key: &AtomicKey, condition: Condition) -> Result<()> {
        let operation = Operation::new("remove").about(key.as_str()).with(|| format!("{condition:?}"));
        let (asked, condition) = (key.clone(), condition.into());
        ask!(self, AtomicStore.atomic, operation, |guest, instance| guest.call_remove(&mut instance.store, asked.as_str(), &condition).await)
    }

    async fn list(&self, prefix: &str, start_after: Option<&str>, limit: u32) -> Result<Keys> {
        let operation = Operation::new("list").about(prefix).with(|| format!("after {start_after:?}, limit {limit}"));
        let limit = limit.clamp(1, PAGE_MAX);
        let (asked, after) = (prefix.to_owned(), start_after.map(str::to_owned));
        let answered =
            ask!(self, AtomicStore.atomic, operation, |guest, instance| guest.call_list(&mut instance.store, &asked, after.as_deref(), limit).await)?;
        let complain = |message: String| self.about(Err(misbehaved(message)), "list", prefix);
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
        let asked = prefix.to_owned();
        ask!(self, AtomicStore.atomic, Operation::new("count").about(prefix), |guest, instance| guest.call_count(&mut instance.store, &asked).await)
    }
}
