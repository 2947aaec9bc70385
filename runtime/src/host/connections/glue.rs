//! The interface `connections` as a guest calls it: arguments in, answers out, everything else in [`Connection`].

use wasmtime::component::Resource;

use super::Connection;
use crate::bindings::cofferdam::storage::connections::{self as wit, Host, HostConnection};
use crate::bindings::cofferdam::storage::store_types as types;
use crate::host::data::outcome;
use crate::host::state::State;

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

/// The connection behind a guest's handle. The bindings know no type of the host, so the two are one by their number alone; the
/// table checks that what it has there is a connection.
fn held(handle: &Resource<wit::Connection>) -> Resource<Connection> {
    Resource::new_borrow(handle.rep())
}

impl Host for State {
    async fn connect(&mut self, name: String) -> Answer<Resource<wit::Connection>> {
        self.budget.enter_host();
        let patience = self.resources.lock_wait;
        let connected = match self.connections() {
            Ok(connections) => connections.get(&name, patience).await,
            Err(error) => Err(error),
        };
        self.budget.leave_host();
        self.trace(|| format!("connections.connect({name:?}) {}", outcome(&connected, |_| "ok".to_owned())));
        match connected {
            Ok(connection) => Ok(Ok(Resource::new_own(self.give(connection)?.rep()))),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl HostConnection for State {
    async fn read(&mut self, connection: Resource<wit::Connection>, max: u32) -> Answer<Vec<u8>> {
        self.budget.enter_host();
        let call = self.call().clone();
        let read = match self.connections() {
            Ok(_) => self.table.get_mut(&held(&connection))?.read(&call, max).await,
            Err(error) => Err(error),
        };
        self.budget.leave_host();
        self.trace(|| format!("connection.read({max}) {}", outcome(&read, |bytes| format!("{} bytes", bytes.len()))));
        Ok(read.map_err(Into::into))
    }

    async fn write(&mut self, connection: Resource<wit::Connection>, bytes: Vec<u8>) -> Answer<()> {
        self.budget.enter_host();
        let call = self.call().clone();
        let written = match self.connections() {
            Ok(_) => self.table.get_mut(&held(&connection))?.write(&call, &bytes).await,
            Err(error) => Err(error),
        };
        self.budget.leave_host();
        self.trace(|| format!("connection.write({} bytes) {}", bytes.len(), outcome(&written, |()| "ok".to_owned())));
        Ok(written.map_err(Into::into))
    }

    fn give_back(&mut self, connection: Resource<wit::Connection>) -> Answer<()> {
        let given = self.table.get_mut(&held(&connection))?.give_back();
        self.trace(|| format!("connection.give-back() {}", outcome(&given, |()| "ok".to_owned())));
        Ok(given.map_err(Into::into))
    }

    fn drop(&mut self, connection: Resource<wit::Connection>) -> wasmtime::Result<()> {
        self.take(Resource::<Connection>::new_own(connection.rep()))?;
        Ok(())
    }
}
