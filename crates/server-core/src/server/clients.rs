//! The connections, by id.
//!
//! A request looks its client up several times, so that the place of the last one is remembered.

use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_sansio::ClientId;

use super::client::Client;

/// All clients.
#[derive(Clone, Default)]
pub(super) struct Clients {
    places: BTreeMap<ClientId, usize>,
    slots: Vec<Option<Client>>,
    free: Vec<usize>,
    /// The client that was looked up last, if it is still there.
    last: Option<(ClientId, usize)>,
}

impl Clients {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn contains_key(&self, id: ClientId) -> bool {
        self.place(id).is_some()
    }

    #[inline]
    pub(super) fn get(&self, id: ClientId) -> Option<&Client> {
        self.slots[self.place(id)?].as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        let place = self.place(id)?;
        self.last = Some((id, place));
        self.slots[place].as_mut()
    }

    pub(super) fn insert(&mut self, id: ClientId, client: Client) {
        self.remove(id);
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[place] = Some(client);
        self.places.insert(id, place);
    }

    pub(super) fn remove(&mut self, id: ClientId) -> Option<Client> {
        let place = self.places.remove(&id)?;
        self.last = None;
        self.free.push(place);
        self.slots[place].take()
    }

    /// All clients in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        self.places.iter().filter_map(|(id, place)| Some((*id, self.slots[*place].as_ref()?)))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.places.keys().copied()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Client> {
        self.iter().map(|(_, client)| client)
    }

    #[inline]
    fn place(&self, id: ClientId) -> Option<usize> {
        match self.last {
            Some((last, place)) if last == id => Some(place),
            _ => self.places.get(&id).copied(),
        }
    }
}
