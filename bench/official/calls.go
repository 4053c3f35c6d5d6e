package official

import (
	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	aisearchask "github.com/alibabacloud-go/dingtalk/ai_search_ask_1_0"
	aiot "github.com/alibabacloud-go/dingtalk/aiot_1_0"
	alitrip "github.com/alibabacloud-go/dingtalk/alitrip_1_0"
	appmarket "github.com/alibabacloud-go/dingtalk/app_market_1_0"
	assistant "github.com/alibabacloud-go/dingtalk/assistant_1_0"
	attendance "github.com/alibabacloud-go/dingtalk/attendance_1_0"
	bizfinance "github.com/alibabacloud-go/dingtalk/bizfinance_1_0"
	bizfinance2 "github.com/alibabacloud-go/dingtalk/bizfinance_2_0"
	calendar "github.com/alibabacloud-go/dingtalk/calendar_1_0"
	card "github.com/alibabacloud-go/dingtalk/card_1_0"
	conference "github.com/alibabacloud-go/dingtalk/conference_1_0"
	contact "github.com/alibabacloud-go/dingtalk/contact_1_0"
	content "github.com/alibabacloud-go/dingtalk/content_1_0"
	crm "github.com/alibabacloud-go/dingtalk/crm_1_0"
	doc "github.com/alibabacloud-go/dingtalk/doc_1_0"
	doc2 "github.com/alibabacloud-go/dingtalk/doc_2_0"
	hrbrain "github.com/alibabacloud-go/dingtalk/hrbrain_1_0"
	im "github.com/alibabacloud-go/dingtalk/im_1_0"
	impaas "github.com/alibabacloud-go/dingtalk/impaas_1_0"
	jobs "github.com/alibabacloud-go/dingtalk/jobs_1_0"
	microapp "github.com/alibabacloud-go/dingtalk/micro_app_1_0"
	notable "github.com/alibabacloud-go/dingtalk/notable_1_0"
	oauth2 "github.com/alibabacloud-go/dingtalk/oauth2_1_0"
	projectintegration "github.com/alibabacloud-go/dingtalk/project_integration_1_0"
	report "github.com/alibabacloud-go/dingtalk/report_1_0"
	robot "github.com/alibabacloud-go/dingtalk/robot_1_0"
	rooms "github.com/alibabacloud-go/dingtalk/rooms_1_0"
	servicegroup "github.com/alibabacloud-go/dingtalk/service_group_1_0"
	storage2 "github.com/alibabacloud-go/dingtalk/storage_2_0"
	todo "github.com/alibabacloud-go/dingtalk/todo_1_0"
	wiki2 "github.com/alibabacloud-go/dingtalk/wiki_2_0"
	workflow "github.com/alibabacloud-go/dingtalk/workflow_1_0"
	yida "github.com/alibabacloud-go/dingtalk/yida_1_0"
)

// call is one operation of the official SDK.
type call struct {
	id     string // of the operation in contract.yaml
	client func(*openapi.Config) (any, error)
	method any // func(*Client, path parameters..., *Request, headers, *RuntimeOptions) (*Response, error)
}

// calls are the operations of contract.yaml, as the official SDK has them.
var calls = []call{
	{"chatIdToOpenConversationId", client(im.NewClient), (*im.Client).ChatIdToOpenConversationIdWithOptions},
	{"createGroup", client(im.NewClient), (*im.Client).CreateGroupWithOptions},
	{"getSceneGroupInfo", client(im.NewClient), (*im.Client).GetSceneGroupInfoWithOptions},
	{"batchQueryGroupMember", client(im.NewClient), (*im.Client).BatchQueryGroupMemberWithOptions},
	{"orgGroupSend", client(robot.NewClient), (*robot.Client).OrgGroupSendWithOptions},
	{"orgGroupQuery", client(robot.NewClient), (*robot.Client).OrgGroupQueryWithOptions},
	{"orgGroupRecall", client(robot.NewClient), (*robot.Client).OrgGroupRecallWithOptions},
	{"getBotListInGroup", client(robot.NewClient), (*robot.Client).GetBotListInGroupWithOptions},
	{"queryRobotInstanceInGroupInfo", client(robot.NewClient), (*robot.Client).QueryRobotInstanceInGroupInfoWithOptions},
	{"getToken", client(oauth2.NewClient), (*oauth2.Client).GetTokenWithOptions},
	{"createInterconnectionGroup", client(impaas.NewClient), (*impaas.Client).CreateGroupWithOptions},
	{"dismissInterconnectionGroup", client(impaas.NewClient), (*impaas.Client).DismissGroupWithOptions},
	{"getUser", client(contact.NewClient), (*contact.Client).GetUserWithOptions},
	{"batchGetUser", client(contact.NewClient), (*contact.Client).BatchGetUserWithOptions},
	{"createTodoTask", client(todo.NewClient), (*todo.Client).CreateTodoTaskWithOptions},
	{"deleteTodoTask", client(todo.NewClient), (*todo.Client).DeleteTodoTaskWithOptions},
	{"createEvent", client(calendar.NewClient), (*calendar.Client).CreateEventWithOptions},
	{"deleteEvent", client(calendar.NewClient), (*calendar.Client).DeleteEventWithOptions},
	{"addAttendee", client(calendar.NewClient), (*calendar.Client).AddAttendeeWithOptions},
	{"listAiMinutes", client(calendar.NewClient), (*calendar.Client).ListAiMinutesWithOptions},
	{"createAndDeliver", client(card.NewClient), (*card.Client).CreateAndDeliverWithOptions},
	{"listNodes", client(wiki2.NewClient), (*wiki2.Client).ListNodesWithOptions},
	{"updateFilterView", client(doc.NewClient), (*doc.Client).UpdateFilterViewWithOptions},
	{"getRange", client(doc.NewClient), (*doc.Client).GetRangeWithOptions},
	{"updateRange", client(doc.NewClient), (*doc.Client).UpdateRangeWithOptions},
	{"createDentry", client(doc2.NewClient), (*doc2.Client).CreateDentryWithOptions},
	{"categoriesTemplates", client(doc2.NewClient), (*doc2.Client).CategoriesTemplatesWithOptions},
	{"deleteRole", client(notable.NewClient), (*notable.Client).DeleteRoleWithOptions},
	{"listRecents", client(storage2.NewClient), (*storage2.Client).ListRecentsWithOptions},
	{"listStars", client(storage2.NewClient), (*storage2.Client).ListStarsWithOptions},
	{"createForm", client(workflow.NewClient), (*workflow.Client).FormCreateWithOptions},
	{"querySchemaByProcessCode", client(workflow.NewClient), (*workflow.Client).QuerySchemaByProcessCodeWithOptions},
	{"listFormTableRows", client(yida.NewClient), (*yida.Client).ListTableDataByFormInstanceIdTableIdWithOptions},
	{"updateFormData", client(yida.NewClient), (*yida.Client).UpdateFormDataWithOptions},
	{"updateVacationQuota", client(attendance.NewClient), (*attendance.Client).UpdateVacationQuotaWithOptions},
	{"getSubmitStatistics", client(report.NewClient), (*report.Client).GetSubmitStatisticsWithOptions},
	{"queryDeviceCustomTemplateList", client(rooms.NewClient), (*rooms.Client).QueryDeviceCustomTemplateListWithOptions},
	{"queryConferenceInfo", client(conference.NewClient), (*conference.Client).QueryConferenceInfoWithOptions},
	{"pageFeed", client(content.NewClient), (*content.Client).PageFeedWithOptions},
	{"getDeviceProperties", client(aiot.NewClient), (*aiot.Client).GetDevicePropertiesWithOptions},
	{"importCustomTalentData", client(hrbrain.NewClient), (*hrbrain.Client).HrbrainImportCustomWithOptions},
	{"userTaskReport", client(appmarket.NewClient), (*appmarket.Client).UserTaskReportWithOptions},
	{"updateAssistantScope", client(assistant.NewClient), (*assistant.Client).UpdateAssistantScopeWithOptions},
	{"getAppResourceUseInfo", client(microapp.NewClient), (*microapp.Client).GetAppResourceUseInfoWithOptions},
	{"addAttendeeToEventGroup", client(projectintegration.NewClient), (*projectintegration.Client).AddAttendeeToEventGroupWithOptions},
	{"emotionStatistics", client(servicegroup.NewClient), (*servicegroup.Client).EmotionStatisticsWithOptions},
	{"listFlightBills", client(alitrip.NewClient), (*alitrip.Client).BillSettementFlightWithOptions},
	{"createResume", client(jobs.NewClient), (*jobs.Client).CreateResumeWithOptions},
	{"retrieve", client(aisearchask.NewClient), (*aisearchask.Client).RetrieveWithOptions},
	{"describeMetaModel", client(crm.NewClient), (*crm.Client).DescribeMetaModelWithOptions},
	{"describeRelationMeta", client(crm.NewClient), (*crm.Client).DescribeRelationMetaWithOptions},
	{"updateGroupSet", client(crm.NewClient), (*crm.Client).UpdateGroupSetWithOptions},
	{"queryReceiptsBaseInfo", client(bizfinance.NewClient), (*bizfinance.Client).QueryReceiptsBaseInfoWithOptions},
	{"getInvoiceByPage", client(bizfinance.NewClient), (*bizfinance.Client).GetInvoiceByPageWithOptions},
	{"batchAddInvoice", client(bizfinance.NewClient), (*bizfinance.Client).BatchAddInvoiceWithOptions},
	{"updateInvoiceAbandonStatus", client(bizfinance.NewClient), (*bizfinance.Client).UpdateInvoiceAbandonStatusWithOptions},
	{"updateInvoiceAndReceiptRelated", client(bizfinance.NewClient), (*bizfinance.Client).UpdateInvoiceAndReceiptRelatedWithOptions},
	{"updateInvoiceVerifyStatus", client(bizfinance.NewClient), (*bizfinance.Client).UpdateInvoiceVerifyStatusWithOptions},
	{"updateInvoiceAccountPeriod", client(bizfinance.NewClient), (*bizfinance.Client).UpdateInvoiceAccountPeriodWithOptions},
	{"queryCorpScale", client(bizfinance2.NewClient), (*bizfinance2.Client).QueryCorpScaleWithOptions},
}

func client[C any](create func(*openapi.Config) (*C, error)) func(*openapi.Config) (any, error) {
	return func(config *openapi.Config) (any, error) { return create(config) }
}
