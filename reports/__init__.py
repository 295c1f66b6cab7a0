"""Reports: what people outside the running page are handed, on paper or as a workbook."""
