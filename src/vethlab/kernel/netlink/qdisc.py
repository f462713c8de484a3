"""The words of RTM_*QDISC messages (include/uapi/linux/rtnetlink.h, pkt_sched.h), for who reads queues and for who makes them.

Rule of the file: numbers and the layout of the message, no values; `up` needs no more.
"""

from __future__ import annotations

from struct import Struct

RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC, RTM_GETTFILTER = 36, 37, 38, 46
MESSAGE = Struct("=BxxxiIII")  # family, interface index, handle, parent, info
TCA_KIND, TCA_OPTIONS, TCA_STATS2, TCA_STATS_QUEUE, TCA_TBF_PARMS = 1, 2, 7, 3, 1
TC_H_ROOT, TC_H_INGRESS = 0xFFFFFFFF, 0xFFFFFFF1
