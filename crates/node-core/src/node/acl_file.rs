//! ACL LOAD and ACL SAVE where an `aclfile` is configured (`acl.c: ACLLoadFromFile`, `ACLSaveToFile`).

use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Secret};
use picket_server_core::ReplySlot;

use super::io::NodeOutput;
use super::{Later, Node};

impl Node {
    fn aclfile(&self) -> String {
        String::from_utf8_lossy(self.settings.aclfile()).into_owned()
    }

    /// ACL LOAD and ACL SAVE; the others are the server's.
    pub(super) fn acl_file(&mut self, client: ClientId, args: &[Bytes]) -> Option<Reply> {
        let path = self.aclfile();
        if args[1].eq_ignore_ascii_case(b"load") {
            let query = self.ask_host(client, |slot| Later::AclLoad { client, slot });
            self.push(NodeOutput::ReadText { query, path });
        } else {
            let text = Secret::new(self.server.acl().file_text());
            let query = self.ask_host(client, |slot| Later::AclSave { client, slot });
            self.push(NodeOutput::WriteText { query, path, text });
        }
        None
    }

    /// The users are replaced by those of the file, all or none. The reply leaves first: the client that asked may be
    /// one whose user is gone.
    pub(super) fn acl_read(&mut self, client: ClientId, slot: ReplySlot, result: Result<Secret, String>) {
        let path = self.aclfile();
        let mut acl = self.server.acl().clone();
        let loaded = result
            .map_err(|reason| format!("Error loading ACLs, opening file '{path}': {reason}"))
            .and_then(|text| acl.load_file(&path, text.expose()));
        match loaded {
            Ok(()) => {
                self.answer_later(client, slot, &Reply::ok());
                self.server.set_acl(acl);
            }
            Err(reason) => self.answer_later(client, slot, &Reply::error(format!("ERR {reason}"))),
        }
    }

    pub(super) fn acl_saved(&mut self, client: ClientId, slot: ReplySlot, result: Result<(), String>) {
        let reply = match result {
            Ok(()) => Reply::ok(),
            Err(reason) => Reply::error(format!("ERR There was an error trying to save the ACLs: {reason}")),
        };
        self.answer_later(client, slot, &reply);
    }
}
