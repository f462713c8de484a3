"""The page of every error slug: what it means, and what to do where the message cannot say it.

Rule of the file: data only; a slug that an error can carry has its line here (a test compares this with the code).
"""

from __future__ import annotations

__all__ = ["SLUGS"]

GENERAL = {
    "usage": "The arguments do not fit the command. `-h` after a command shows how it is used.",
    "unknown-command": "There is no such command. `vethlab --help` lists them.",
    "unknown-word": "`explain` knows findings, sysctls, the kernel's drop reasons, lab-file keys, exit codes and errors; without a word it "
                    "lists them all.",
    "unknown-template": "There is no such template. `vethlab init --list` lists them.",
    "not-built-yet": "The lab file or the command line asks for something that vethlab cannot do yet. It is refused, so that a lab is "
                     "never less than its file says. Take the key out, or wait for the release that has it.",
    "no-lab-file": "Without a FILE, the directory's only *.lab.yaml is meant, and there is none; or the named file cannot be read.",
    "several-lab-files": "Without a FILE, the directory's only *.lab.yaml is meant, and there are several. Name one.",
    "file": "A file could not be read or written; the message holds the system's own words.",
    "file-exists": "`init` never overwrites a file. Give another name, or remove the file yourself.",
    "error": "An error without a page of its own.",
    "bug": "vethlab failed in a way it should not. The report named in the message helps to mend it.",
}

LABS = {
    "no-lab": "No lab is running, and none was named. `vethlab up` brings one up.",
    "no-such-lab": "No lab of that name is running. A lab ends with `vethlab down`, with its keeper process, and with the machine.",
    "which-lab": "Several labs are running and none was named. Give its name, or -l LAB, or be in a directory with one lab file.",
    "not-found": "There is no lab, node or interface of that name.",
    "no-such-node": "The lab has no node of that name. `vethlab show` lists them; `host` is the lab's own machine, where its bridges are.",
    "no-such-link": "No link joins these two, or the node is not on that network. `vethlab show` lists what there is.",
    "which-link": "Several links join these two nodes. Name the interface: `vethlab link a:eth1 b --down`.",
    "no-answer": "`bench` could not measure: nothing that was sent arrived, iperf3 failed (the message has its words), or the nodes have "
                 "no addresses. `vethlab why A B` says why.",
    "no-such-interface": "The node has no interface of that name. `vethlab show -o wide` lists them.",
    "bad-filter": "The filter is not in the language of pcap-filter(7), or can match nothing. The message holds libpcap's own words.",
    "no-process": "The node has no `run:` in the lab file, so there is no process and no log.",
    "lab": "The lab is in a state that forbids what was asked.",
    "lab-exists": "A lab of that name runs already. Converge it with `vethlab up`, or take it down first.",
    "needs-yes": "`fix` changes a running lab, so it asks first. Without a terminal (and with -o json) nobody can be asked: say --yes, "
                 "or see with --dry-run what would change.",
    "no-question": "`fix` without SRC and DST mends what the last failing `why` of the lab found, and there was none. Ask "
                   "`vethlab why SRC DST`.",
    "no-fix": "`fix --undo` takes back the last fix of the lab, and there is none, or it was taken back already.",
    "evidence": "`why --replay` reads what `why --record` wrote, of the same version, unchanged. The message says what does not fit.",
    "not-up": "The lab is declared but not up.",
    "name-taken": "Another user's process listens on the name by which this lab would be found, or a name that `--names` would give "
                  "under /run/netns is somebody else's. Choose another lab name.",
    "machine-has-it": "With `host: machine` a lab's bridges and their ports are interfaces of the machine itself. What the machine has "
                      "already is never moved: take another name (of the network, or a node's `port:`) or another subnet.",
    "not-the-labs": "A lab with `host: machine` is a guest in the machine's network: `why` names a rule or setting of the machine's that "
                    "stands in the way, and `fix` does not change it. Run the command of the message yourself, if it is right for the "
                    "machine.",
    "other-host": "A running lab cannot move its bridges from a machine of its own to the real one, or back, nor begin or cease to use "
                  "`uplink: machine`. Take it down first.",
    "world-is-real": "`world` is the namespace that plays everything outside of a lab. With an uplink that is the real world, in which "
                     "somebody in particular has to be asked: name an address.",
    "other-mode": "The lab runs as root and was asked for rootless, or the other way round. Take it down first.",
    "no-such-directory": "A node wants a directory of its own that this machine does not have. Make it, or take it from `private`.",
    "keeper-gone": "The lab's keeper process ended, and the lab with it: namespaces, links and processes are gone. Bring it up again.",
    "record": "The lab's record, which its keeper holds, cannot be read: it was made by another version of vethlab. Take the lab down.",
}

MACHINE = {
    "host": "The machine lacks a privilege, a kernel feature or a tool: `vethlab doctor` says which, what it costs, and how to get it.",
    "not-root": "Root mode, `host: machine` and `uplink: machine` need CAP_SYS_ADMIN and CAP_NET_ADMIN. Most labs work without root: "
                "leave --root, or `host: machine`, away, and take `uplink: pasta`.",
    "machine-forwards-not": "`uplink: machine` has the machine pass packets between the lab and the networks that it is on, and it passes "
                            "none: net.ipv4.ip_forward is 0. It has to be on for the machine as a whole, because answers come in by its "
                            "own interfaces, and vethlab writes no setting of the machine. `uplink: pasta` does without.",
    "names-need-root": "Names under /run/netns are the machine's, so only root can make them. Use `vethlab exec` and `vethlab sh` instead.",
    "no-user-namespaces": "An ordinary user needs user namespaces, and the machine refuses them. `vethlab doctor` says why and what to do.",
    "namespace-limit": "The machine's limit of namespaces is reached: user.max_net_namespaces, user.max_user_namespaces.",
    "limit": "No process or no memory was to be had. `ulimit -a` shows the limits of this session, `systemctl show` those of a service.",
    "open-files": "The keeper holds descriptors for every node, and the hard limit of open files is too low for this lab.",
    "no-nft": "The lab file has `nft:`, `nat:`, `publish:` or `uplink:`, and the machine has no nft program: apt install nftables.",
    "kernel-lacks": "The lab asks for something that this kernel was built without, or whose module is not there: a kind of link, a "
                    "queueing discipline. The message names it; `vethlab doctor` lists what the kernel has.",
    "no-ovs": "The lab has a network of type ovs, and the machine has no Open vSwitch: apt install openvswitch-switch. Without "
              "`host: machine` the lab runs daemons of its own; those of the machine are not needed and not touched.",
    "ovs-not-running": "With `host: machine` a network of type ovs is a bridge on the machine's running Open vSwitch, and no daemon "
                       "answers in /var/run/openvswitch (or where OVS_RUNDIR says), or it serves another network namespace: "
                       "systemctl start openvswitch-switch.",
    "no-pasta": "`uplink: pasta` has pasta(1) translate what leaves the lab, and the machine has none: apt install passt.",
    "pasta": "pasta(1) did not start, and the lab was not brought up, or is as it was. The message holds its own words. It goes out as the "
             "machine does, so the machine needs a default route.",
    "no-ovs-module": "`datapath: kernel` needs the kernel's module openvswitch. `datapath: auto` does without it.",
    "no-tun": "pasta makes a tap in the lab, and Open vSwitch without its kernel module makes the interface of a bridge of one; "
              "/dev/net/tun, which that takes, cannot be opened.",
    "ovs-daemon": "A daemon of the lab's own Open vSwitch did not come up; the message holds its last words.",
    "no-iperf3": "`bench --with iperf3` was asked for, and it is not installed: apt install iperf3. `--with own` does without.",
    "no-program": "A fix is a command line, and the program that it needs is not on this machine. The message names it and its package.",
    "no-bpf": "`--truth` has the kernel's own tracepoints look on, which needs root, BPF and the kernel's type information "
              "(/sys/kernel/btf/vmlinux). Without --truth `why` does without, and finds the same.",
    "no-libpcap": "`capture --filter` compiles its expression with libpcap, and the machine has none: apt install libpcap0.8. "
                  "Without a filter nothing is needed.",
    "no-ring": "A capture needs a packet ring in each namespace, and the kernel refused one: too little memory, or packet sockets are "
               "not built in or not allowed. Capture fewer nodes.",
    "kernel": "The kernel refused an operation. The message names the operation, the object, the error number and the kernel's sentence.",
    "rolled-back": "A change failed half-way, and the changes before it were undone: the lab is as it was. The message says what failed.",
    "rollback-failed": "A change failed, and so did undoing it. `vethlab plan` shows what differs; `vethlab down` always works.",
    "not-converged": "After all changes the kernel does not hold what the file says: something else changes it, or the kernel cannot.",
}

FILE = {
    "lab-file": "The lab file has mistakes. `vethlab validate` shows all of them at once.",
    "not-utf8": "A lab file is text in UTF-8.",
    "too-large": "A lab file, or what its ranges stand for, is larger than any real lab.",
    "too-deep": "A lab file nests only a few levels; this one goes deeper than any key does.",
    "no-host-role": "HOST/NODE is a node inside a host, and a node that holds others says so: `role: host`. It is then no end of the "
                    "checks that `all` stands for.",
    "no-host": "A vxlan network has a bridge in each of its hosts, so every node on it is written HOST/NODE, and a gateway says whose "
               "bridge has it: `on: HOST`.",
    "no-underlay": "VXLAN carries frames in UDP packets between hosts, so every two hosts of a network need addresses of one family and a "
                   "way: a common link or network, or nodes between them that forward. Multicast needs one segment for all.",
    "duplicate-vni": "A host tells the networks behind one UDP port apart by their vni. Two networks of one host need different ones.",
    "mtu-too-large": "VXLAN wraps each packet in 50 bytes more (70 over IPv6) and its packets are not cut on the way, so the mtu of the "
                     "network is at most the underlay's less that. `mtu: auto` is what fits.",
    "yaml-syntax": "The text is not YAML. The caret stands where the parser gave up; the mistake is there or just before.",
    "yaml-tag": "Tags (`!!int`, `!mine`) mean nothing in a lab file. Write the plain value.",
    "yaml-alias": "This alias names no anchor, or leads in a circle.",
    "yaml-key": "A key is one plain word.",
    "yaml-merge": "Merge keys (`<<`) are YAML 1.1, and a lab file is YAML 1.2. Write the keys out.",
    "several-documents": "One file is one lab: only one YAML document.",
    "unknown-key": "There is no such key here. Unknown keys are errors, so that a mistyped one is never silently ignored.",
    "duplicate-key": "A key stands twice, and only one of them could count.",
    "missing-key": "A key is required here.",
    "wrong-type": "The value is of another sort than the key takes: a list for a text, for example.",
    "wrong-value": "The value is of the right sort and yet not one that the key takes.",
    "wrong-network-type": "The key belongs to another type of network.",
    "bad-name": "Names are lower-case letters, digits and hyphens, at most 63 characters, and begin with a letter or digit.",
    "reserved-name": "`all`, `world`, `host` and `localhost` have a meaning of their own.",
    "bad-interface-name": "The kernel takes at most 15 bytes, without `/`, `:`, `%` and white space.",
    "bad-range": "A range is written leaf1..4: a name that ends in a number, two dots, a larger number.",
    "bad-address": "An address is written with its prefix, 10.0.0.1/24 or fd00::1/64.",
    "bad-link": "A link is a sentence: `a 10.0.0.1/24 -- b:eth1 10.0.0.2/24`.",
    "bad-route": "A route is written as ip-route(8) has it: `PREFIX via ADDRESS`, `PREFIX dev INTERFACE`, `blackhole PREFIX`.",
    "bad-sysctl": "A sysctl is written dotted and begins with `net.`: only those belong to a network namespace.",
    "bad-flow": "Open vSwitch does not understand an OpenFlow rule of the lab file; the message holds the words of ovs-ofctl(8).",
    "bad-check": "A check is a sentence: `ping a -> b`, `tcp a -> b:22`, `http a -> b:80`.",
    "several-forms": "A link has one of ends, mesh, zip and spread.",
    "range-in-link": "A plain link joins two ends. For ranges say mesh (every left with every right), zip (in step) or spread.",
    "unequal-zip": "`zip` joins two ranges in step, so they must be of one length.",
    "address-in-range": "A range stands for several nodes, and they cannot share an address, an interface name on one bridge, or a MAC.",
    "unknown-node": "Once there is a `nodes:` key, every node has to be in it: a mistyped name is an error and not one more node.",
    "unknown-interface": "The node has no interface of that name; the message lists those it has.",
    "unknown-source": "The source address of a route must be one of the node's own.",
    "duplicate-node": "A node stands twice in one list.",
    "duplicate-interface": "Two ends would have the same interface name in one node.",
    "duplicate-port": "Two ports of a bridge would have the same name.",
    "duplicate-address": "Two interfaces that can hear each other would have the same address.",
    "duplicate-mac": "Two interfaces on one segment would have the same MAC.",
    "duplicate-route": "Two routes of a node go to the same place with the same metric; the kernel takes only one.",
    "too-many-ports": "A Linux bridge takes 1,023 ports.",
    "no-subnet": "A number, or an address without a prefix, needs a subnet to be in.",
    "outside-subnet": "The address is not in the network's subnet.",
    "overlapping-subnet": "Two subnets of one network overlap.",
    "subnet-too-small": "There are more nodes than addresses.",
    "addresses-exhausted": "The pool from which addresses are handed out is used up.",
    "host-number": "The number is not a host of the subnet: zero is the subnet itself, the last IPv4 one is the broadcast address.",
    "not-a-host": "The first and the last address of an IPv4 subnet, multicast and the like are no host's.",
    "gateway-off-link": "A gateway has to be on one of the node's own segments, or the kernel refuses the route.",
    "gateway-is-self": "A node cannot be its own gateway.",
    "mtu-too-small": "Below an MTU of 1,280 bytes the kernel takes IPv6 off an interface, so that no address, route or setting of IPv6 can "
                     "be said of it; and an underlay has to leave something for the overlay over it.",
    "nft-braces": "The braces of the ruleset do not match.",
    "port-taken": "One port of the host leads to one port of one node. Give one of the two another port, or another address of the host.",
    "nat-no-way": "`nat: masquerade` hides the nodes of a network behind the host that its bridge is in, and the host has no address "
                  "on it. Give the network a `gateway`: it is the host's address there, and the nodes' default route.",
    "publish-no-way": "The host has no way to the node: it needs a network with a `gateway`, which is the host's own address there.",
    "publish-no-address": "A port is published at an address that the host does not have.",
    "check-no-address": "The target of a check has no address to send to.",
}

SLUGS: dict[str, str] = {**GENERAL, **LABS, **MACHINE, **FILE}
