package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// book writes a workbook of chats, one a line of ids, with a second column and a second sheet.
func book(t *testing.T, path, ids string) {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	set := func(sheet, cell string, value any) {
		if err := f.SetCellValue(sheet, cell, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.NewSheet("other"); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(4711, 5)) //nolint:gosec // chance, not secrecy
	for i := range 500 {                     // so that the workbook takes more room than its rows
		set("other", fmt.Sprintf("A%d", i+1), fmt.Sprintf("%x%x%x%x", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()))
	}
	set("Sheet1", "A1", "n")
	set("Sheet1", "B1", "chat_id")
	for i, id := range strings.Fields(ids) {
		cell, _ := excelize.CoordinatesToCellName(1, i+2)
		set("Sheet1", cell, 100_000+i)
		cell, _ = excelize.CoordinatesToCellName(2, i+2)
		set("Sheet1", cell, id)
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}
