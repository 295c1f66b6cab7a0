"""Codecs by the name that a driver file gives as `codec`; a new one is a module and a line here."""

from collections.abc import Mapping

from ingest.codecs.alink import Alink
from ingest.codecs.fields import Fields
from ingest.codecs.homeassistant import HomeAssistant
from ingest.codecs.homie import Homie
from ingest.codecs.iotda import IotDa
from ingest.codecs.line_protocol import LineProtocol
from ingest.codecs.lorawan import LoRaWan
from ingest.codecs.mapped import Mapped
from ingest.codecs.meter_frames import MeterFrames
from ingest.codecs.named import Named
from ingest.codecs.native import Native
from ingest.codecs.neuron import Neuron
from ingest.codecs.p1 import P1
from ingest.codecs.plain import Plain
from ingest.codecs.port import Factory
from ingest.codecs.senml import SenMl
from ingest.codecs.shelly import Shelly
from ingest.codecs.sparkplug import Sparkplug
from ingest.codecs.suffix import Suffix
from ingest.codecs.tasmota import Tasmota
from ingest.codecs.telemetry import Telemetry
from ingest.codecs.thingsboard import ThingsBoard
from ingest.codecs.zigbee2mqtt import Zigbee2Mqtt

CODECS: Mapping[str, Factory] = {
    "alink": Alink,
    "fields": Fields,
    "homeassistant": HomeAssistant,
    "homie": Homie,
    "iotda": IotDa,
    "line_protocol": LineProtocol,
    "lorawan": LoRaWan,
    "mapped": Mapped,
    "meter_frames": MeterFrames,
    "named": Named,
    "native": Native,
    "neuron": Neuron,
    "p1": P1,
    "plain": Plain,
    "senml": SenMl,
    "shelly": Shelly,
    "sparkplug": Sparkplug,
    "suffix": Suffix,
    "tasmota": Tasmota,
    "telemetry": Telemetry,
    "thingsboard": ThingsBoard,
    "zigbee2mqtt": Zigbee2Mqtt,
}
