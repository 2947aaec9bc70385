//! `wasi:sockets` as a component calls it: TCP to what the grant gives, and nothing else.
//!
//! wasmtime's own implementation opens the sockets and asks [`allows`] before it does. What it cannot do is here: its lookup knows no
//! names, and what it refuses by itself it tells nobody.

use std::net::{IpAddr, SocketAddr};
use std::vec;

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::{ip_name_lookup, network, tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{DynPollable, Network, Pollable, SocketError, SocketResult, TcpSocket, UdpSocket, subscribe};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView};

use crate::host::sockets::{Known, Refusal};
use crate::host::state::{Resources, State};

/// Links it in the place of wasmtime's.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    ip_name_lookup::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    tcp_create_socket::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    udp_create_socket::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// Whether the instance that knows `known` may use `address` so.
pub(super) fn allows(resources: &Resources, known: &Known, address: SocketAddr, usage: SocketAddrUse) -> bool {
    let refuse = |what: &str| {
        resources.sockets.refuse(&format!("{what} {address}"), "TCP connections alone are granted");
        false
    };
    match usage {
        SocketAddrUse::TcpConnect => resources.is_reachable() && resources.sockets.may_connect(address, known),
        // What the system does on the way to a connection; as long as nobody listens it opens nothing.
        SocketAddrUse::TcpBind if address.ip().is_unspecified() && address.port() == 0 => true,
        SocketAddrUse::TcpBind => refuse("a socket bound to"),
        SocketAddrUse::TcpListen => refuse("a socket that listens at"),
        SocketAddrUse::TcpAccept => refuse("a connection from"),
        SocketAddrUse::UdpBind | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => refuse("datagrams at"),
    }
}

/// The answer to a lookup: what is behind the resource `resolve-address-stream`.
enum Answer {
    Pending(AbortOnDropJoinHandle<Result<Vec<IpAddr>, Refusal>>),
    Found(vec::IntoIter<IpAddr>),
    Failed(Refusal),
}

#[async_trait::async_trait]
impl Pollable for Answer {
    async fn ready(&mut self) {
        if let Self::Pending(lookup) = self {
            *self = match lookup.await {
                Ok(found) => Self::Found(found.into_iter()),
                Err(refusal) => Self::Failed(refusal),
            };
        }
    }
}

/// The handle as the host's table knows it.
fn ours(stream: &Resource<ip_name_lookup::ResolveAddressStream>) -> Resource<Answer> {
    Resource::new_borrow(stream.rep())
}

impl From<Refusal> for ErrorCode {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied => Self::AccessDenied,
            Refusal::Unresolved => Self::NameUnresolvable,
        }
    }
}

/// wasmtime's, for the interfaces that are ours.
impl network::Host for State {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network::HostNetwork for State {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets(), network)
    }
}

impl ip_name_lookup::Host for State {
    fn resolve_addresses(&mut self, network: Resource<Network>, name: String) -> SocketResult<Resource<ip_name_lookup::ResolveAddressStream>> {
        self.table.get(&network)?;
        if !self.resources.is_reachable() {
            return Err(ErrorCode::TemporaryResolverFailure.into());
        }
        let known = self.known().clone();
        let lookup = self.resources.sockets.lookup(&name, &known).map_err(ErrorCode::from)?;
        let answer = self.table.push(Answer::Pending(spawn(lookup)))?;
        Ok(Resource::new_own(answer.rep()))
    }
}

impl ip_name_lookup::HostResolveAddressStream for State {
    fn resolve_next_address(&mut self, stream: Resource<ip_name_lookup::ResolveAddressStream>) -> SocketResult<Option<IpAddress>> {
        match self.table.get_mut(&ours(&stream))? {
            Answer::Pending(_) => Err(ErrorCode::WouldBlock.into()),
            Answer::Found(addresses) => Ok(addresses.next().map(Into::into)),
            Answer::Failed(refusal) => Err(ErrorCode::from(*refusal).into()),
        }
    }

    fn subscribe(&mut self, stream: Resource<ip_name_lookup::ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, ours(&stream))
    }

    fn drop(&mut self, stream: Resource<ip_name_lookup::ResolveAddressStream>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Answer>::new_own(stream.rep()))?;
        Ok(())
    }
}

impl tcp_create_socket::Host for State {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let most = self.resources.sockets.most();
        if most == 0 {
            self.resources.sockets.refuse("a TCP socket", "no rule allows one");
            return Err(ErrorCode::AccessDenied.into());
        }
        // Each is a file descriptor of the host's.
        if self.table.iter_mut().filter(|entry| entry.is::<TcpSocket>()).count() >= most {
            return Err(ErrorCode::NewSocketLimit.into());
        }
        tcp_create_socket::Host::create_tcp_socket(&mut self.sockets(), family)
    }
}

impl udp_create_socket::Host for State {
    async fn create_udp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        self.resources.sockets.refuse("a UDP socket", "TCP connections alone are granted");
        Err(ErrorCode::AccessDenied.into())
    }
}
