//! ACL LOAD and ACL SAVE where an `aclfile` is configured (`acl.c: ACLLoadFromFile`, `ACLSaveToFile`).

use alloc::format;
use alloc::string::String;

use picket_resp::Reply;
use picket_sansio::{ClientId, QueryId, Secret};

use super::{Answer, CommandDeferred, shown};
use crate::deferred::Deferred;
use crate::io::Output;
use crate::sentinel::Sentinel;

impl Sentinel {
    /// ACL LOAD.
    pub(super) fn acl_load(&mut self, client: ClientId) -> Answer {
        let query = self.acl_query(CommandDeferred::AclLoad { client });
        let path = shown(self.options.aclfile());
        self.outputs.push_back(Output::ReadFile { query, path });
        Answer::Later
    }

    /// The users are replaced by those of the file, all or none. The reply leaves first: the client
    /// that asked may be one whose user is gone.
    pub(super) fn acl_read(&mut self, client: ClientId, result: Result<Secret, String>) {
        let path = shown(self.options.aclfile());
        let mut acl = self.server.acl().clone();
        let loaded = result
            .map_err(|reason| format!("Error loading ACLs, opening file '{path}': {reason}"))
            .and_then(|text| acl.load_file(&path, text.expose()));
        match loaded {
            Ok(()) => {
                self.server.reply(client, &Reply::ok());
                self.server.set_acl(acl);
            }
            Err(reason) => self.server.reply(client, &Reply::error(format!("ERR {reason}"))),
        }
        self.server.resume(client);
    }

    /// ACL SAVE.
    pub(super) fn acl_save(&mut self, client: ClientId) -> Answer {
        let query = self.acl_query(CommandDeferred::AclSave { client });
        let path = shown(self.options.aclfile());
        let text = Secret::new(self.server.acl().file_text());
        self.outputs.push_back(Output::WriteFile { query, path, text });
        Answer::Later
    }

    fn acl_query(&mut self, then: CommandDeferred) -> QueryId {
        let query = QueryId::next(&mut self.counters.query);
        self.resolutions.insert(query, Deferred::Command(then));
        query
    }
}

/// The reply to ACL SAVE.
pub(super) fn saved(result: Result<(), String>) -> Reply {
    match result {
        Ok(()) => Reply::ok(),
        Err(reason) => Reply::error(format!("ERR There was an error trying to save the ACLs: {reason}")),
    }
}
