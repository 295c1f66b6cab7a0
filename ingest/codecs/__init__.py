"""Codecs by the name that a driver file gives as `codec`; a new one is a module and a line here."""

from collections.abc import Mapping

from ingest.codecs.fields import Fields
from ingest.codecs.homeassistant import HomeAssistant
from ingest.codecs.homie import Homie
from ingest.codecs.lorawan import LoRaWan
from ingest.codecs.meter_frames import MeterFrames
from ingest.codecs.native import Native
from ingest.codecs.port import Factory
from ingest.codecs.sparkplug import Sparkplug
from ingest.codecs.suffix import Suffix

CODECS: Mapping[str, Factory] = {
    "fields": Fields,
    "homeassistant": HomeAssistant,
    "homie": Homie,
    "lorawan": LoRaWan,
    "meter_frames": MeterFrames,
    "native": Native,
    "sparkplug": Sparkplug,
    "suffix": Suffix,
}
