//go:build redis

package dingtalkredis_test

const podTask = "DINGTALKREDIS_TEST_POD"

func runPod(string) int { return 0 }
