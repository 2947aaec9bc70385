//! The tags of a repository, in order.

use super::Repository;
use crate::error::{RegistryError, Result};
use crate::name::{NamePage, Tag};

impl Repository {
    /// At most `n` tags after `last`, in byte order.
    ///
    /// # Errors
    /// [`RegistryError::NameUnknown`] if there is no such repository.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn tags(&self, last: Option<&str>, n: u32) -> Result<NamePage> {
        let last = last.filter(|last| !last.is_empty()).map(Tag::new).transpose()?;
        let page = self.parts().links.tags(&self.name, last.as_ref().map(Tag::as_str), n as usize).await?;
        if page.names.is_empty() && !self.parts().links.has_revisions(&self.name).await? {
            return Err(RegistryError::NameUnknown { name: self.name.to_string() });
        }
        Ok(page)
    }
}
