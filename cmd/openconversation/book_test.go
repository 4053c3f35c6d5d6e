package main

import (
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// book writes a workbook of chats, one a line of ids, with a second column and a second sheet.
func book(t *testing.T, path, ids string) {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	set := func(sheet, cell string, value any) {
		if err := f.SetCellValue(sheet, cell, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.NewSheet("other"); err != nil {
		t.Fatal(err)
	}
	set("other", "A1", "kept")
	set("Sheet1", "A1", "n")
	set("Sheet1", "B1", "chat_id")
	for i, id := range strings.Fields(ids) {
		cell, _ := excelize.CoordinatesToCellName(1, i+2)
		set("Sheet1", cell, float64(i)/2)
		cell, _ = excelize.CoordinatesToCellName(2, i+2)
		set("Sheet1", cell, id)
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}
