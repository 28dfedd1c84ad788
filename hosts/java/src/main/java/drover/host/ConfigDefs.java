package drover.host;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.config.ConfigDef;

/** A ConfigDef as JSON: what REST shows of a plugin's settings, and more than that. */
final class ConfigDefs {
    private ConfigDefs() {}

    static ArrayNode write(ConfigDef def) {
        ArrayNode keys = JsonNodeFactory.instance.arrayNode();
        if (def == null) return keys;
        for (ConfigDef.ConfigKey key : def.configKeys().values()) {
            ObjectNode node = keys.addObject();
            node.put("name", key.name);
            node.put("type", key.type == null ? "STRING" : key.type.name());
            node.put("required", !key.hasDefault());
            if (key.hasDefault()) {
                node.put("default", key.defaultValue == null ? null : text(key));
            }
            node.put("importance", key.importance == null ? "MEDIUM" : key.importance.name());
            node.put("documentation", key.documentation == null ? "" : key.documentation);
            node.put("group", key.group);
            node.put("orderInGroup", key.orderInGroup);
            node.put("width", key.width == null ? "NONE" : key.width.name());
            node.put("displayName", key.displayName == null ? key.name : key.displayName);
            ArrayNode dependents = node.putArray("dependents");
            if (key.dependents != null) key.dependents.forEach(dependents::add);
            node.put("internal", key.internalConfig);
        }
        return keys;
    }

    /** As REST prints it; a password's default is shown as any other secret is. */
    private static String text(ConfigDef.ConfigKey key) {
        return key.type == null ? String.valueOf(key.defaultValue) : ConfigDef.convertToString(key.defaultValue, key.type);
    }
}
