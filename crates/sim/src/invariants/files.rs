//! What Sentinels would read if they started now: the text on their disks, read as a Sentinel reads it. Not what they
//! wanted to be written: a line that the rewriting loses or spoils is lost here too.

use alloc::format;
use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use picket_sentinel_core::{Config, MasterConfig};

use crate::ids::NodeId;
use crate::world::World;

/// Each file is read once for each time that it was written, and only when somebody asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    read: BTreeMap<NodeId, File>,
}

#[derive(Clone, Debug)]
struct File {
    version: u64,
    masters: Result<BTreeMap<String, MasterConfig>, String>,
}

impl Files {
    /// What the file of a Sentinel says of a master; none if it does not name it.
    ///
    /// # Errors
    /// If a Sentinel could not start with it.
    pub(super) fn of(
        &mut self,
        world: &World,
        sentinel: NodeId,
        master: &str,
    ) -> Result<Option<&MasterConfig>, String> {
        let disk = &world.node(sentinel).disk;
        let version = disk.version();
        let is_old = self.read.get(&sentinel).is_none_or(|file| file.version != version);
        if is_old {
            self.read.insert(sentinel, File { version, masters: read(&disk.text()) });
        }
        match &self.read[&sentinel].masters {
            Ok(masters) => Ok(masters.get(master)),
            Err(error) => Err(format!("{} could not read its file: {error}", world.name(sentinel))),
        }
    }
}

fn read(text: &[u8]) -> Result<BTreeMap<String, MasterConfig>, String> {
    let mut no_includes = |_: &[u8]| Err("there are no other files here".into());
    let config = Config::read("sentinel.conf", text, &mut no_includes, &|_| true);
    let config = config.map_err(|error| format!("{error}"))?;
    Ok(config.masters.into_iter().map(|master| (master.name.clone(), master)).collect())
}
