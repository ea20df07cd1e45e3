//! What every RESP server needs: clients, ACL users, pub/sub, configuration files.
#![no_std]
extern crate alloc;
