// SPDX-License-Identifier: GPL-2.0
/*
 * The properties of Msvm_KvpExchangeComponent. Names, order and constants are
 * those of Microsoft's reference of the class in Root\Virtualization.
 */
#include <stdlib.h>
#include <string.h>

#include "cim.h"
#include "kvpctl.h"

/* NULL is a property without a constant value. */
static const struct {
	const char *name;
	enum cim_type type;
	bool is_array;
	const char *constant;
} class[CIM_PROPERTIES] = {
	{ "Caption", CIM_STRING, false, "Key-Value Pair Exchange" },
	{ "Description", CIM_STRING, false,
	  "Microsoft Key-Value Pair Exchange Component" },
	{ "ElementName", CIM_STRING, false, "Key-Value pair Exchange" },
	{ "Name", CIM_STRING, false, "Key-Value Pair Exchange" },
	{ "OperationalStatus", CIM_UINT16, true, NULL },
	{ "StatusDescriptions", CIM_STRING, true, NULL },
	{ "Status", CIM_STRING, false, NULL },
	{ "HealthState", CIM_UINT16, false, "5" },
	{ "EnabledState", CIM_UINT16, false, NULL },
	{ "RequestedState", CIM_UINT16, false, "12" },
	{ "EnabledDefault", CIM_UINT16, false, "7" },
	{ "TimeOfLastStateChange", CIM_DATETIME, false, NULL },
	{ "SystemCreationClassName", CIM_STRING, false,
	  "Msvm_ComputerSystem" },
	{ "SystemName", CIM_STRING, false, NULL },
	{ "CreationClassName", CIM_STRING, false,
	  "Msvm_KvpExchangeComponent" },
	{ "PowerManagementSupported", CIM_BOOLEAN, false, NULL },
	{ "PowerManagementCapabilities", CIM_UINT16, true, NULL },
	{ "Availability", CIM_UINT16, false, NULL },
	{ "StatusInfo", CIM_UINT16, false, NULL },
	{ "LastErrorCode", CIM_UINT32, false, NULL },
	{ "ErrorDescription", CIM_STRING, false, NULL },
	{ "ErrorCleared", CIM_BOOLEAN, false, NULL },
	{ "TotalPowerOnHours", CIM_UINT64, false, NULL },
	{ "IdentifyingDescriptions", CIM_STRING, true, NULL },
	{ "AdditionalAvailability", CIM_UINT16, true, "6" },
	{ "MaxQuiesceTime", CIM_UINT64, false, NULL },
	{ "LocationIndicator", CIM_UINT16, false, "4" },
	{ "InstallDate", CIM_DATETIME, false, NULL },
	{ "OtherEnabledState", CIM_STRING, false, NULL },
	{ "DeviceID", CIM_STRING, false, NULL },
	{ "OtherIdentifyingInfo", CIM_STRING, true, NULL },
	{ "PowerOnHours", CIM_UINT64, false, NULL },
	{ "GuestExchangeItems", CIM_STRING, true, NULL },
	{ "GuestIntrinsicExchangeItems", CIM_STRING, true, NULL },
};

static struct cim_property *find(struct cim *cim, const char *name)
{
	for (size_t i = 0; i < CIM_PROPERTIES; i++)
		if (!strcmp(cim->properties[i].name, name))
			return &cim->properties[i];
	abort();
}

static void add(struct cim_property *property, const char *s, size_t len)
{
	struct cim_value *value;

	property->values = need_more(property->values, property->count + 1,
				     sizeof(*value));
	value = &property->values[property->count++];
	value->s = need(len + 1);
	value->len = len;
	memcpy(value->s, s, len);
	property->is_null = false;
}

void cim_init(struct cim *cim)
{
	for (size_t i = 0; i < CIM_PROPERTIES; i++) {
		struct cim_property *property = &cim->properties[i];
		const char *constant = class[i].constant;

		*property = (struct cim_property) {
			.name = class[i].name, .type = class[i].type,
			.is_array = class[i].is_array, .is_null = true,
		};
		if (constant)
			add(property, constant, strlen(constant));
	}
}

static void empty(struct cim_property *property)
{
	while (property->count)
		free(property->values[--property->count].s);
	free(property->values);
	property->values = NULL;
}

void cim_free(struct cim *cim)
{
	for (size_t i = 0; i < CIM_PROPERTIES; i++)
		empty(&cim->properties[i]);
}

void cim_empty(struct cim *cim, const char *name)
{
	empty(find(cim, name));
	find(cim, name)->is_null = false;
}

void cim_add_text(struct cim *cim, const char *name, const char *s, size_t len)
{
	add(find(cim, name), s, len);
}

void cim_add_number(struct cim *cim, const char *name, uint64_t number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu",
			   (unsigned long long)number);

	add(find(cim, name), text, len);
}

const char *cim_type_name(enum cim_type type)
{
	static const char * const names[] = {
		[CIM_STRING] = "string",
		[CIM_UINT16] = "uint16",
		[CIM_UINT32] = "uint32",
		[CIM_UINT64] = "uint64",
		[CIM_BOOLEAN] = "boolean",
		[CIM_DATETIME] = "datetime",
	};

	return names[type];
}
