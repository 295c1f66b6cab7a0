"""The seven boards, in the order a reader meets them."""

from dashboards.board import Board
from dashboards.boards.cold import COLD
from dashboards.boards.electricity import ELECTRICITY
from dashboards.boards.health import HEALTH
from dashboards.boards.kpis import KPIS
from dashboards.boards.response import RESPONSE
from dashboards.boards.today import TODAY
from dashboards.boards.water import WATER

BOARDS: tuple[Board, ...] = (TODAY, ELECTRICITY, WATER, COLD, KPIS, RESPONSE, HEALTH)
