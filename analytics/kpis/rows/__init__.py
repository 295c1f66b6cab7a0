"""The KPIs themselves, a module for each subject; each has a tuple KPIS."""
